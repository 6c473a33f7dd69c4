// The coordinator's dealings with hosts, and with children that crash.
// SPDX-License-Identifier: Apache-2.0
#include "actors/analyst.hpp"
#include "actors/archivist.hpp"
#include "actors/artifact_store.hpp"
#include "actors/census.hpp"
#include "actors/coordinator.hpp"
#include "actors/core/gather.hpp"
#include "actors/core/owner_rules.hpp"
#include "actors/log_sink.hpp"
#include "actors/recorder.hpp"
#include "actors/result_cache.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "storage/build_facts.hpp"
#include "storage/identities.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

// -- the herd ------------------------------------------------------------------------------------

void coordinator_state::arrive(const arrival& request) {
  const auto& host = request.greeting.host;
  auto known = herd.find(host);
  if (known == herd.end()) {
    if (herd.size() >= limits::hosts_max) {
      self->send(request.link, farm_message{refusal{"the farm has as many hosts as it can serve"}});
      return;
    }
    host_record record;
    record.name = host;
    add_host(record);
    known = herd.find(host);
    tell_pace();
  } else {
    label_host(host, known->second); // it may have joined anew, by another token
  }
  review_arrival(known->second);
  auto passed = request;
  passed.herd = herd.size();
  self->send(known->second.supervisor, passed);
  release_strays(request.greeting, known->second.supervisor);
}

/// The configuration says what a host is called and may do; of one that joined by a token, the
/// token did.
void coordinator_state::label_host(const host_name& host, herd_member& member) {
  for (const auto& spec : settings.config.hosts)
    if (spec.name == host.value) {
      member.slots = spec.slots;
      member.labels = spec.labels;
      return;
    }
  auto identity = storage::read_identity(*settings.store, host);
  if (!identity)
    spdlog::error("host={} has no labels: {}", host.value, identity.error().text);
  else if (*identity)
    member.labels = (*identity)->labels;
}

/// Hosts that joined a smaller herd beat too often for a large one.
void coordinator_state::tell_pace() {
  if (core::pace_for(herd.size()) == core::pace_for(herd.size() - 1))
    return;
  for (const auto& [id, member] : herd)
    self->send(member.supervisor, herd_size{herd.size()});
}

/// Orders to release a workspace are in memory alone: what the host still keeps for builds that are
/// over, unknown or elsewhere by now is released when it joins. That of a present placement stays.
void coordinator_state::release_strays(const hello& greeting,
                                       const host_supervisor_actor& supervisor) {
  for (const auto& kept : greeting.workspaces) {
    auto known = active.find(kept.build);
    auto stays = [&](const host_name& host, uint32_t since) {
      return host == greeting.host && kept.placement >= since;
    };
    bool present = known != active.end()
                   && (stays(known->second.host, known->second.placement)
                       || stays(known->second.hedge, known->second.hedge_placement));
    if (!present)
      self->send(supervisor, close_build{kept.build, kept.placement, false, {}});
  }
}

void coordinator_state::on_news(const host_news& news) {
  auto known = herd.find(news.view.record.name);
  if (known == herd.end())
    return;
  if (known->second.view.state != news.view.state)
    known->second.since = settings.clock();
  auto before = known->second.view.record.machine_id;
  take_view(known->second, news.view);
  review_machine(before, known->second);
  note_silence(known->second);
  schedule_plan();
}

/// Passes a host's words on to the build as if its supervisor spoke to it directly.
template <class Message>
void coordinator_state::route(const build_id& build, const Message& message) {
  if (auto known = active.find(build); known != active.end())
    known->second.actor->enqueue(self->current_sender(), caf::make_message_id(),
                                 caf::make_message(message), self->context());
}

template void coordinator_state::route(const build_id&, const attempt_started&);
template void coordinator_state::route(const build_id&, const attempt_lost&);
template void coordinator_state::route(const build_id&, const build_closed&);

void coordinator_state::on_foreign_end(const attempt_ended& said) {
  auto build = said.token.attempt.build;
  if (active.contains(build))
    return route(build, said);
  // The build is over: its result stands, and this one is answered so that the host can forget it.
  spdlog::info("late result attempt={} result={}", to_string(said.token.attempt),
               to_string(said.outcome));
  auto teller = caf::actor_cast<host_supervisor_actor>(self->current_sender());
  self->send(teller, grant_over{said.token});
  auto file = storage::read_build_file(*settings.store, build);
  if (!file || !*file)
    return;
  if (const auto* attempt = core::find_attempt(**file, said.token))
    self->send(teller, close_build{build, attempt->placement, false, {}});
}

void coordinator_state::on_stray(const stray_attempt& stray) {
  auto build = stray.held.token.attempt.build;
  if (active.contains(build))
    return route(build, stray);
  if (stray.held.state == known_state::ended)
    return; // it reports its end by itself
  auto teller = caf::actor_cast<host_supervisor_actor>(self->current_sender());
  self->send(teller, cancel_attempt{stray.held.token, "its build is over"});
}

host_view coordinator_state::full_view(const herd_member& member) const {
  auto view = member.view;
  view.slots_used = member.used;
  view.record.labels = member.labels;
  if (member.slots > 0)
    view.record.slots = member.slots;
  if (member.stage.stage == host_stage::retired)
    view.reason = "retired: " + member.stage.note;
  if (member.stage.stage == host_stage::probation)
    view.reason +=
      (view.reason.empty() ? "on probation: " : "; on probation: ") + member.stage.note;
  return view;
}

core::host_offer coordinator_state::offer_of(const herd_member& member) const {
  const auto& view = member.view;
  bool on_probation = member.stage.stage == host_stage::probation && view.state == host_state::up;
  auto slots =
    core::owner_slots(view.record.facts, member.slots > 0 ? member.slots : view.record.slots);
  return {view.record.name,
          view.state,
          on_probation ? member.stage.note : view.reason,
          slots,
          member.used,
          traits_of(view.record.facts, member.labels),
          member.since,
          member.stage.stage};
}

std::vector<core::host_offer> coordinator_state::offers() const {
  std::vector<core::host_offer> all;
  for (const auto& [id, member] : herd)
    all.push_back(offer_of(member));
  return all;
}

/// What the host is like now: a later look at the result has to know it.
void coordinator_state::keep_facts(build_id build, uint32_t placement, const herd_member& member) {
  storage::write_batch batch;
  storage::put_build_facts(batch, build, placement, full_view(member).record);
  caf::anon_send(services.recorder, std::move(batch)); // in one sync with the first grant
}

caf::result<std::vector<host_view>> coordinator_state::hosts() {
  auto promise = self->make_response_promise<std::vector<host_view>>();
  auto all = core::gather<host_view>::over(herd.size(), [promise](auto views) mutable {
    std::sort(views.begin(), views.end(), [](const host_view& a, const host_view& b) {
      return a.record.name < b.record.name; // not as they have answered
    });
    promise.deliver(std::move(views));
  });
  for (const auto& [id, member] : herd) {
    auto answer = [this, all, host = id](host_view fresh) {
      auto known = herd.find(host);
      if (known == herd.end())
        return all->skip(); // forgotten meanwhile
      take_view(known->second, std::move(fresh));
      all->add(full_view(known->second));
    };
    self->request(member.supervisor, limits::census_answer, hosts_query{})
      .then(answer, [this, all, host = id](const caf::error&) {
        auto known = herd.find(host);
        if (known == herd.end())
          return all->skip();
        all->add(full_view(known->second));
      });
  }
  return promise;
}

caf::result<std::vector<actor_entry>> coordinator_state::actors() {
  auto promise = self->make_response_promise<std::vector<actor_entry>>();
  using entries = std::vector<actor_entry>;
  auto all = core::gather<entries>::over(herd.size() + 1, [promise](auto parts) mutable {
    entries joined;
    for (auto& part : parts)
      joined.insert(joined.end(), part.begin(), part.end());
    promise.deliver(std::move(joined));
  });
  auto add = [all](entries part) { all->add(std::move(part)); };
  auto skip = [all](const caf::error&) { all->add({}); };
  self->request(services.census, 4 * limits::census_answer, atom::describe::value).then(add, skip);
  for (const auto& [id, member] : herd)
    self->request(member.supervisor, 4 * limits::census_answer, census_ask{}).then(add, skip);
  return promise;
}

// -- children that crash -------------------------------------------------------------------------

void coordinator_state::watch_services() {
  self->monitor(services.recorder);
  self->monitor(services.log_sink);
  self->monitor(services.artifacts);
  self->monitor(services.census);
  self->monitor(services.analyst);
  self->monitor(services.archivist);
}

/// Nothing goes on without them, and what they held in memory only a restart brings back from the
/// store and the hosts.
bool coordinator_state::is_service_down(const caf::down_msg& down) {
  const std::pair<caf::actor_addr, const char*> known[] = {
    {services.recorder.address(), recorder_state::name},
    {services.log_sink.address(), log_sink_state::name},
    {services.artifacts.address(), artifact_store_state::name},
    {services.census.address(), census_state::name},
    {services.analyst.address(), analyst_state::name},
    {services.archivist.address(), archivist_state::name},
    {services.cache ? services.cache.address() : caf::actor_addr{}, result_cache_state::name}};
  for (const auto& [address, what] : known)
    if (address == down.source) {
      if (down.reason != caf::exit_reason::user_shutdown) // else the farm is being stopped
        settings.fatal("its " + std::string{what} + " died: " + self->system().render(down.reason));
      return true;
    }
  return false;
}

void coordinator_state::child_down(const caf::down_msg& down) {
  if (is_service_down(down) || !down.reason) // no reason: an end as planned
    return;
  for (auto& [id, build] : active)
    if (build.actor.address() == down.source && std::exchange(build.replaced, false))
      return revive_build(id); // it did not crash: its host's supervisor did
  if (!core::spend(crashes, {limits::actor_restarts_max, limits::actor_restart_period},
                   now().count())) {
    settings.fatal("its actors crash too often, the last one: "
                   + self->system().render(down.reason));
    return;
  }
  for (const auto& [id, build] : active)
    if (build.actor.address() == down.source) {
      spdlog::error("build crashed build={} reason=\"{}\"", id.value,
                    self->system().render(down.reason));
      return revive_build(id);
    }
  for (const auto& [id, watcher] : sources)
    if (watcher.address() == down.source) {
      spdlog::error("source crashed source={} reason=\"{}\"", id,
                    self->system().render(down.reason));
      return spawn_sources();
    }
  for (const auto& [id, member] : herd)
    if (member.supervisor.address() == down.source) {
      spdlog::error("supervisor crashed host={} reason=\"{}\"", id.value,
                    self->system().render(down.reason));
      return revive_supervisor(id);
    }
}

/// Behind what the dead one handed to the recorder: else its successor would begin with older news.
void coordinator_state::revive_build(build_id id) {
  self
    ->request(services.recorder, caf::infinite, storage::write_batch{}) // as in `submit`
    .then([this, id](recorded) { respawn_build(id); });
}

void coordinator_state::respawn_build(build_id id) {
  auto known = active.find(id);
  if (known == active.end())
    return;
  auto file = storage::read_build_file(*settings.store, id);
  if (!file || !*file) {
    settings.fatal("build " + to_string(id) + " crashed and can't be read back");
    return;
  }
  auto& build = known->second;
  release(build);
  release_hedge(build);
  if ((*file)->build.state == build_state::finished)
    return on_over(id);
  if ((*file)->build.placement == 0) { // it died before its first placement was recorded
    active.erase(known);
    queued[id] = **file;
    queue[id] = core::to_queue_entry(**file);
    return schedule_plan();
  }
  take_seats(**file);
}

/// The link dies with its supervisor; the host joins again, and the builds find it by their orders.
void coordinator_state::revive_supervisor(const host_name& id) {
  auto used = herd.at(id).used;
  auto& member = add_host(herd.at(id).view.record);
  member.used = used;
  for (auto& [build, state] : active)
    if (state.host == id || state.hedge == id) {
      // Until its end is known it may still hand something to the recorder.
      state.replaced = true;
      self->send_exit(state.actor, caf::exit_reason::kill);
    }
}

actor_entry coordinator_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  entry.state = "running";
  entry.activity = std::to_string(active.size()) + " builds active, " + std::to_string(queue.size())
                   + " waiting, " + std::to_string(herd.size()) + " hosts";
  return entry;
}

} // namespace drover
