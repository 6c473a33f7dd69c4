// SPDX-License-Identifier: Apache-2.0
#include "actors/step.hpp"

#include "actors/core/step_environment.hpp"
#include "schema/limits_host.hpp"
#include "schema/names.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace drover {

namespace {

/// Begins the reason of an attempt whose keeper left no account; later agents look for it.
constexpr std::string_view keeper_lost_prefix = "keeper lost: ";

bool tells_keeper_lost(const keeper_exit& account) {
  return account.outcome == result::exception && account.reason.starts_with(keeper_lost_prefix);
}

keeper_exit ended_here(result outcome, const std::string& reason, const wall_clock& clock) {
  keeper_exit account;
  account.outcome = outcome;
  account.reason = printable(reason, limits::reason_bytes_max);
  account.finished_at = clock();
  return account;
}

keeper_order order_for(const step_setup& setup, const prepared& place) {
  const auto& work = setup.work;
  const auto& self = setup.host.self;
  core::step_place where{self.host.value, place.workspace, place.outputs,
                         core::cores_per_slot(self.facts, self.slots), place.temporary};
  keeper_order order;
  order.token = work.token;
  order.builder = work.builder;
  order.step = work.step.name;
  order.run = work.step.run;
  order.env = core::step_environment(work, where, setup.host.base_env);
  order.workspace = place.workspace;
  order.timeout = work.step.timeout.count() > 0 ? work.step.timeout : limits::step_timeout_default;
  order.silence = work.step.silence.count() > 0 ? work.step.silence : limits::step_silence_default;
  order.grace = limits::kill_grace;
  order.limits = work.step.limits;
  order.log_bytes_max = order.limits.log > 0 ? order.limits.log : limits::log_bytes_max;
  order.sandbox = work.step.sandbox;
  order.pty = work.step.pty;
  order.user = place.user;
  order.group = place.group;
  order.disk_folders = {place.workspace, place.outputs};
  order.outputs = place.outputs;
  for (const auto& more : {place.temporary, place.home})
    if (!more.empty())
      order.disk_folders.push_back(more);
  if (!place.home.empty() && !work.step.env.contains("HOME"))
    order.env["HOME"] = place.home;
  return order;
}

/// A source that can't be used is the code's fault, one that can't be had is the farm's.
result outcome_of(const failure& why) {
  return why.code == ec::bad_input || why.code == ec::damaged ? result::failure : result::exception;
}

std::string source_reason(const failure& why) {
  return why.text.starts_with("source") ? why.text : "source: " + why.text;
}

std::string_view phase_text(step_phase phase) {
  switch (phase) {
  case step_phase::preparing:
    return "waiting for the workspace";
  case step_phase::running:
    return "running";
  case step_phase::closing:
    return "recording its end";
  case step_phase::draining:
    return "ended, waiting until the log is stored";
  case step_phase::keeping:
    return "ended, its result is kept for later builds";
  case step_phase::reporting:
    return "ended, waiting until the result is stored";
  }
  return "";
}

} // namespace

void step_actor_state::start() {
  const auto& port = setup.host.spool;
  auto known = port->find(token());
  if (known && known->keeper_alive) {
    spdlog::info("attempt={} adopted: its keeper runs", to_string(token().attempt));
    watch();
  } else if (auto found = port->exit_of(token())) {
    ended(*found);
  } else if (known && known->keeper_started) {
    watch(); // it died while nobody was here to see it
  } else {
    prepare();
  }
}

void step_actor_state::prepare() {
  const auto& work = setup.work;
  prepare_workspace request{work.token.attempt.build, work.placement, work.source};
  // Infinite: a download takes as long as it takes, and is on this host; if the workspace actor
  // dies, the agent replaces this step as well.
  self->request(setup.workspace, caf::infinite, request)
    .then(
      [this](const expected<prepared>& place) {
        if (phase != step_phase::preparing)
          return;
        if (place)
          begin(*place);
        else
          close(
            ended_here(outcome_of(place.error()), source_reason(place.error()), setup.host.clock));
      },
      [this](const caf::error&) {
        activity.did("lost the workspace actor, waits to be replaced", self->clock().now());
      });
}

/// How long the command may run on without a renewal. An exclusive step's lease counts from when
/// the coordinator was heard last, less what killing takes: once it is over, another host may be
/// running the step.
milliseconds step_actor_state::first_lease() const {
  if (!setup.work.step.exclusive)
    return limits::orphan_time;
  auto span = std::max(lease - limits::kill_grace, lease / 2);
  return lost_at_ms ? span - milliseconds{now_ms() - *lost_at_ms} : span;
}

void step_actor_state::run(const prepared& place) {
  auto order = order_for(setup, place);
  order.lease = first_lease();
  if (order.lease.count() <= 0) {
    waiting_place = place;
    activity.did("waits for the coordinator: its lease ended before its start",
                 self->clock().now());
    return;
  }
  auto problem = setup.host.spool->start(order);
  // Started by an earlier agent: this one was not there to see its end.
  if (problem && problem->code == ec::conflict)
    return watch();
  if (problem)
    return close(ended_here(result::exception, "the keeper can't be started: " + problem->text,
                            setup.host.clock));
  started_at = setup.host.clock();
  spdlog::info("attempt={} builder={} step={} started", to_string(token().attempt),
               setup.work.builder, setup.work.step.name);
  start_untold_ms = now_ms();
  watch();
}

void step_actor_state::watch() {
  phase = step_phase::running;
  activity.did("keeper runs", self->clock().now());
  // Weak: the port may hold the callback longer than this actor lives.
  auto weak = caf::actor_cast<caf::weak_actor_ptr>(self);
  setup.host.spool->watch(token(), [weak, which = token()] {
    if (auto strong = weak.lock())
      caf::anon_send(caf::actor_cast<step_actor>(strong), atom::stop::value, which);
  });
  look_at_log();
}

void step_actor_state::keeper_gone(const grant_token& which) {
  if (which != token() || phase != step_phase::running)
    return;
  if (auto found = setup.host.spool->exit_of(token()))
    return ended(*found);
  auto lost = ended_here(result::exception,
                         std::string{keeper_lost_prefix}
                           + "the process that ran the step ended without leaving its account",
                         setup.host.clock);
  lost.started_at = started_at;
  close(std::move(lost));
}

void step_actor_state::close(keeper_exit made_up) {
  account = std::move(made_up);
  if (auto problem = setup.host.spool->close(token(), account)) {
    phase = step_phase::closing;
    spdlog::warn("attempt={} its end can't be recorded yet: {}", to_string(token().attempt),
                 problem->text);
    activity.did("failed to record its end: " + problem->text, self->clock().now());
    timer.arm(self, limits::resend_after);
    return;
  }
  ended(account);
}

void step_actor_state::ended(const keeper_exit& found) {
  account = found;
  phase = step_phase::draining;
  log_size = setup.host.spool->log_size(token());
  spdlog::info("attempt={} ended: {} {}", to_string(token().attempt), to_string(account.outcome),
               account.reason);
  activity.did("ended", self->clock().now());
  drain();
}

void step_actor_state::tell_start() {
  if (!online() || !start_untold_ms
      || now_ms() - *start_untold_ms < limits::start_told_after.count())
    return;
  start_untold_ms.reset();
  self->send(link, host_message{attempt_started{token(), started_at}});
}

void step_actor_state::look_at_log() {
  tell_start();
  auto size = setup.host.spool->log_size(token());
  poll = size > log_size ? limits::log_poll_first : std::min(poll * 2, limits::log_poll_max);
  log_size = std::max(size, log_size);
  send_log();
  // Not connected: the keeper spools, and nobody here needs to know.
  if (online())
    timer.arm(self, poll);
}

void step_actor_state::drain() {
  send_log();
  if (log_size == 0 || window.complete(log_size))
    offer_or_report();
  else if (online())
    timer.arm(self, limits::log_poll_max);
}

void step_actor_state::send_log() {
  if (!online() || log_size == 0) // of nothing, all is stored: that need not be asked
    return;
  if (window.overdue(now_ms()))
    activity.did("asks again how much of the log is stored", self->clock().now());
  while (auto span = window.next(log_size))
    if (!send_span(*span))
      return;
}

bool step_actor_state::send_span(const core::log_span& span) {
  log_chunk chunk{token(), span.offset, {}};
  if (span.bytes > 0) {
    auto bytes = setup.host.spool->read_log(token(), span.offset, span.bytes);
    if (bytes && !(*bytes).empty()) {
      chunk.bytes = *std::move(bytes);
    } else if (phase == step_phase::draining) {
      // It will not get better: what is missing is said with the result.
      auto why = bytes ? std::string{"it ends early"} : bytes.error().text;
      log_size = span.offset;
      auto told = "its log can't be read from byte " + std::to_string(span.offset) + " on: " + why;
      account.reason += (account.reason.empty() ? "" : "; ") + told;
      spdlog::warn("attempt={} {}", to_string(token().attempt), told);
      return false;
    } else {
      return false; // looked at again soon
    }
  }
  window.sent(chunk.bytes.size(), now_ms());
  self->send(link, host_message{std::move(chunk)});
  return true;
}

void step_actor_state::report() {
  phase = step_phase::reporting;
  if (!online())
    return;
  attempt_ended news;
  news.token = token();
  news.outcome = account.outcome;
  news.exit_code = account.exit_code;
  news.reason = printable(account.reason, limits::reason_bytes_max);
  news.keeper_lost = tells_keeper_lost(account);
  news.log_bytes = log_size;
  news.started_at = account.started_at;
  news.finished_at = account.finished_at;
  news.usage = account.usage;
  news.leftovers = printable(account.leftovers, limits::reason_bytes_max);
  news.out_empty = account.out_empty;
  add_cache_note(news);
  self->send(link, host_message{std::move(news)});
  activity.did("reported its result", self->clock().now());
  timer.arm(self, limits::resend_after);
}

void step_actor_state::connect(const connected& news) {
  link = news.link;
  lease = news.answer.lease.count() > 0 ? news.answer.lease : lease;
  lost_at_ms.reset();
  window.connected();
  // If the coordinator has given the step to another host meanwhile, its cancel comes first.
  if (waiting_place)
    timer.arm(self, limits::resend_after);
  else
    tick();
}

void step_actor_state::disconnect() {
  if (online())
    lost_at_ms = now_ms();
  link = farm_link_actor{};
  window.disconnected();
}

void step_actor_state::log_stored(const log_durable& news) {
  if (news.token != token())
    return;
  window.durable(news.offset, now_ms());
  if (phase == step_phase::draining)
    drain();
  else if (phase == step_phase::running)
    send_log();
}

void step_actor_state::result_stored(const result_durable& news) {
  if (news.token != token() || phase < step_phase::draining)
    return;
  setup.host.spool->confirm(token(), setup.host.clock());
  self->send(setup.spool, news);
  self->send(setup.agent, step_over{token()});
  self->quit();
}

void step_actor_state::cancel(const cancel_attempt& order) {
  if (order.token != token())
    return;
  if (phase == step_phase::preparing) {
    leave_cache();
    close(ended_here(result::cancelled, order.reason, setup.host.clock));
  } else if (phase == step_phase::keeping) {
    leave_cache(); // which answers at once
  } else if (phase == step_phase::running) {
    activity.did("told its keeper to end: " + order.reason, self->clock().now());
    setup.host.spool->cancel(token(), order.reason);
  }
}

void step_actor_state::tick() {
  switch (phase) {
  case step_phase::preparing:
    if (waiting_place && online())
      run(*std::exchange(waiting_place, std::nullopt));
    return;
  case step_phase::running:
    return look_at_log();
  case step_phase::closing:
    return close(account);
  case step_phase::draining:
    return drain();
  case step_phase::keeping:
    return;
  case step_phase::reporting:
    return report();
  }
}

actor_entry step_actor_state::describe() const {
  std::string state{phase_text(phase)};
  if (phase == step_phase::running || phase == step_phase::draining)
    state += ", " + std::to_string(window.confirmed()) + " of " + std::to_string(log_size)
             + " log bytes stored";
  if (!online())
    state += ", not connected";
  return describe_as("step", "step " + to_string(token().attempt), std::move(state),
                     activity.told(self->clock().now()));
}

int64_t step_actor_state::now_ms() const {
  auto since = self->clock().now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count();
}

step_actor::behavior_type step(step_actor_state::pointer self, step_setup setup) {
  self->state.setup = std::move(setup);
  self->state.lease = self->state.setup.host.lease;
  self->state.start();
  return {
    [self](const connected& news) { self->state.connect(news); },
    [self](const not_connected&) { self->state.disconnect(); },
    [self](const log_durable& news) { self->state.log_stored(news); },
    [self](const result_durable& news) { self->state.result_stored(news); },
    [self](const cancel_attempt& order) { self->state.cancel(order); },
    [self](atom::stop, const grant_token& token) { self->state.keeper_gone(token); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
