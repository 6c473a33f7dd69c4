// SPDX-License-Identifier: Apache-2.0
#include "actors/build.hpp"

#include "actors/core/events.hpp"
#include "actors/core/explain/ending.hpp"
#include "actors/core/hedge.hpp"
#include "actors/core/mutants.hpp"
#include "actors/core/poison.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace drover {

// -- life ----------------------------------------------------------------------------------------

void build_actor_state::recover() {
  if (file.build.state != build_state::running) {
    self->send(farm.coordinator, build_homeless{file});
    return;
  }
  step_index at;
  const auto* attempt = core::live_attempt(file, &at);
  if (attempt == nullptr)
    return advance({});
  grant_token token{attempt->granted_in, {file.build.id, at, attempt->number}};
  order(token);
  if (auto seat = core::open_hedge(file); seat && hedge_host)
    order_at(hedge_host, seat->token);
  if (file.build.cancel_requested && supervisor)
    self->send(supervisor, cancel_attempt{token, file.build.cancel_reason});
}

void build_actor_state::place(const placed& request) {
  if (file.build.state == build_state::running || file.build.state == build_state::finished)
    return; // the coordinator places a build only where it has none
  supervisor = request.supervisor;
  closing = false;
  core::apply_placed(file, request.host, farm.clock());
  spdlog::info("build placed build={} host={} placement={}", file.build.id.value,
               request.host.value, file.build.placement);
  advance({});
}

void build_actor_state::started(const attempt_started& said) {
  if (core::apply_started(file, said.token, said.at))
    commit({});
}

void build_actor_state::ended(const attempt_ended& said) {
  auto verdict = core::apply_ended(file, said);
  spdlog::info("attempt ended attempt={} result={} verdict={}", to_string(said.token.attempt),
               to_string(said.outcome), static_cast<int>(verdict));
  std::vector<effect> effects;
  after_end(said, verdict, effects);
  advance(std::move(effects));
}

void build_actor_state::after_end(const attempt_ended& said, core::verdict verdict,
                                  std::vector<effect>& effects) {
  auto teller = caf::actor_cast<host_supervisor_actor>(self->current_sender());
  if (verdict == core::verdict::unknown)
    spdlog::warn("attempt without a grant attempt={}", to_string(said.token.attempt));
  else if (verdict != core::verdict::duplicate)
    effects.push_back(
      [this, said] { self->send(farm.log_sink, atom::seal::value, said.token.attempt); });
  // A repeated report is confirmed only behind the commit that made the first one durable.
  effects.push_back([this, teller, said] {
    if (!teller)
      return;
    self->send(teller, grant_over{said.token});
    const auto* attempt = core::find_attempt(file, said.token);
    if (attempt != nullptr && !core::is_at(file, attempt->placement))
      self->send(teller, close_build{file.build.id, attempt->placement, false, {}});
  });
}

void build_actor_state::lost(const attempt_lost& said) {
  const auto* attempt = core::find_attempt(file, said.token);
  if (attempt == nullptr || !core::apply_lost(file, said.token, said.reason, farm.clock()))
    return;
  // Its workspace is of no use any more, should the host come back.
  auto teller = caf::actor_cast<host_supervisor_actor>(self->current_sender());
  close_build release{file.build.id, attempt->placement, false, {}};
  advance({[this, teller, release] {
    if (teller)
      self->send(teller, release);
  }});
}

/// The host holds an attempt of ours that its supervisor has no order for.
void build_actor_state::stray(const stray_attempt& said) {
  auto teller = caf::actor_cast<host_supervisor_actor>(self->current_sender());
  const auto* attempt = core::find_attempt(file, said.held.token);
  // Its order, with all that a step is given, is for the host that it was granted to.
  bool is_its_own =
    attempt != nullptr
    && (attempt->host == said.host || core::is_mutant(core::mutant::any_host_reports));
  if (!is_its_own || !teller)
    return;
  bool live = attempt->state == attempt_state::granted || attempt->state == attempt_state::running;
  if (live) {
    self->send(teller, grant_order{core::make_assignment(file, said.held.token)});
  } else if (said.held.state != known_state::ended) {
    auto why = attempt->outcome == result::cancelled
                 ? attempt->reason
                 : std::string{"its lease ended and the build went on without it"};
    self->send(teller, cancel_attempt{said.held.token, why});
  }
  // An ended one reports its end by itself, and is kept as evidence.
}

void build_actor_state::closed(const build_closed& said) {
  if (!closing || said.placement != file.build.placement)
    return;
  closing = false;
  core::apply_closed(file, said);
  auto released = std::exchange(supervisor, nullptr);
  advance({[this, released] {
    if (released)
      self->send(released, atom::stop::value, file.build.id);
  }});
}

caf::result<expected<accepted>> build_actor_state::cancel(const cancel_build& request) {
  auto why = core::cancel_phrase(request.by, request.reason);
  if (!core::apply_cancel(file, why))
    return expected<accepted>{failure{ec::conflict, "build " + to_string(file.build.id)
                                                      + " is over or being cancelled already"}};
  auto asked = core::about_build(event_kind::cancel_requested, file.build, farm.clock());
  asked.by = request.by;
  asked.text = why;
  told.push_back(std::move(asked));
  core::drop_hedge(file, why, farm.clock());
  auto promise = self->make_response_promise<expected<accepted>>();
  std::vector<effect> effects;
  step_index at;
  std::string text = "build " + to_string(file.build.id) + " is cancelled";
  if (const auto* attempt = core::live_attempt(file, &at)) {
    grant_token token{attempt->granted_in, {file.build.id, at, attempt->number}};
    text = "build " + to_string(file.build.id) + " is being cancelled: step '"
           + file.steps[at.value].name + "' is ended on " + attempt->host.value;
    effects.push_back([this, token, why] {
      if (supervisor)
        self->send(supervisor, cancel_attempt{token, why});
    });
  }
  effects.push_back([promise, text]() mutable { promise.deliver(expected<accepted>{{text}}); });
  advance(std::move(effects));
  return promise;
}

// -- moving on -----------------------------------------------------------------------------------

void build_actor_state::advance(std::vector<effect> effects) {
  if (ended_all)
    return commit(std::move(effects));
  settle_hedge(effects);
  core::settle_skipped(file);
  auto move = core::decide_next(file);
  if (auto* next = std::get_if<core::grant_step>(&move)) {
    grant(*next, effects);
  } else if (auto* close = std::get_if<core::close_workspace>(&move); close && !closing) {
    closing = true;
    close_build order{file.build.id, file.build.placement, close->keep_artifacts,
                      core::kept_globs(file.recipe), farm.artifact_bytes_max};
    effects.push_back([this, order, host = supervisor] { self->send(host, order); });
  } else if (std::holds_alternative<core::need_host>(move)) {
    supervisor = nullptr;
    effects.push_back([this] { self->send(farm.coordinator, build_homeless{file}); });
  } else if (auto* end = std::get_if<core::finish_build>(&move)) {
    ended_all = true;
    if (file.build.state == build_state::running)
      release_workspace(effects);
    core::apply_finished(file, *end, farm.clock());
    spdlog::info("build finished build={} result={} reason=\"{}\"", file.build.id.value,
                 to_string(file.build.outcome), printable(file.build.reason, 200));
    effects.push_back([this] {
      self->send(farm.coordinator, build_over{file.build.id});
      self->quit();
    });
  }
  advance_hedge(effects);
  commit(std::move(effects));
}

/// Nobody waits for it: its supervisor repeats the order until the host has obeyed.
void build_actor_state::release_workspace(std::vector<effect>& effects) {
  close_build order{file.build.id, file.build.placement, false, {}};
  effects.push_back([this, order, host = std::exchange(supervisor, nullptr)] {
    if (host)
      self->send(host, order);
  });
}

void build_actor_state::grant(const core::grant_step& move, std::vector<effect>& effects) {
  auto token = core::apply_grant(file, move, farm.now, farm.clock());
  effects.push_back([this, token, host = supervisor] { order_at(host, token); });
}

void build_actor_state::order(const grant_token& token) {
  order_at(supervisor, token);
}

void build_actor_state::order_at(const host_supervisor_actor& host, const grant_token& token) {
  if (host)
    self->send(host, grant_order{core::make_assignment(file, token)});
}

storage::write_batch build_actor_state::changes() {
  storage::write_batch batch;
  batch.events = std::exchange(told, {});
  if (auto poison = core::poison_sentence(file);
      !poison.empty() && core::poison_sentence(stored).empty()) {
    auto event = core::about_build(event_kind::build_poisoned, file.build, farm.clock());
    event.text = poison + "; the hosts are not to blame";
    batch.events.push_back(std::move(event));
  }
  for (auto& event : core::build_events(stored, file, farm.clock()))
    batch.events.push_back(std::move(event));
  if (file.build != stored.build) {
    storage::put_build(batch, file.build);
    stored.build = file.build;
  }
  // Only what has changed is copied: a build may have hundreds of steps, and each changes often.
  for (size_t i = 0; i < file.steps.size(); ++i)
    if (file.steps[i] != stored.steps[i]) {
      storage::put_step(batch, file.build.id, file.steps[i]);
      stored.steps[i] = file.steps[i];
    }
  return batch;
}

void build_actor_state::commit(std::vector<effect> effects) {
  auto batch = changes();
  if (batch.empty() && effects.empty())
    return;
  if (effects.empty()) // nobody waits for it: it shares the sync of what follows
    return caf::anon_send(farm.recorder, std::move(batch));
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([effects = std::move(effects)](recorded) {
      for (const auto& one : effects)
        one();
    });
}

actor_entry build_actor_state::describe() const {
  actor_entry entry;
  entry.name = "build/" + to_string(file.build.id);
  entry.kind = name;
  step_index at;
  if (const auto* attempt = core::live_attempt(file, &at))
    entry.state = std::string{to_string(file.steps[at.value].state)} + ": step '"
                  + file.steps[at.value].name + "' on " + attempt->host.value;
  else if (closing)
    entry.state = "waits for " + file.build.host.value + " to hand over the artifacts";
  else if (!supervisor)
    entry.state = "waits for a host";
  else
    entry.state = "waits for the recorder";
  entry.activity =
    "builder " + file.build.builder + ", placement " + std::to_string(file.build.placement);
  return entry;
}

build_actor::behavior_type build(build_actor_state::pointer self, const build_context& farm,
                                 const build_file& file, build_seats seats) {
  auto& state = self->state;
  state.farm = farm;
  state.file = state.stored = file;
  state.supervisor = std::move(seats.host);
  state.hedge_host = std::move(seats.hedge);
  if (state.supervisor || file.build.placement > 0)
    state.recover();
  return {
    [self](const placed& request) { self->state.place(request); },
    [self](const hedge_order& request) { self->state.hedge(request); },
    [self](const attempt_started& said) { self->state.started(said); },
    [self](const attempt_ended& said) { self->state.ended(said); },
    [self](const attempt_lost& said) { self->state.lost(said); },
    [self](const stray_attempt& said) { self->state.stray(said); },
    [self](const build_closed& said) { self->state.closed(said); },
    [self](const cancel_build& request) { return self->state.cancel(request); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
