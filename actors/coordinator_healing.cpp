// The coordinator heals silences: second attempts, and the brake when half the herd is gone.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/hedge.hpp"
#include "actors/core/mutants.hpp"
#include "actors/core/pace.hpp"
#include "actors/core/poison.hpp"
#include "schema/limits_healing.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <spdlog/spdlog.h>

namespace drover {

milliseconds coordinator_state::now() const {
  return std::chrono::duration_cast<milliseconds>(self->clock().now().time_since_epoch());
}

/// The one look at everything that heals by itself; comes each limits::wait_granularity.
void coordinator_state::look_at_herd() {
  auto at = now();
  auto gap = healing.looked.count() < 0 ? milliseconds{0} : at - healing.looked;
  healing.looked = at;
  if (gap >= limits::stall_min && !core::is_mutant(core::mutant::stopped_is_silence)) {
    spdlog::warn("the coordinator was stopped for {} ms: it hears its hosts first", gap.count());
    healing.deaf_until = at + limits::after_stall;
    for (auto& [id, member] : herd)
      if (member.silent_since)
        *member.silent_since += gap;
  }
  if (at < healing.deaf_until)
    return;
  core::herd_sight sight{at, 0, {}};
  for (const auto& [id, member] : herd) {
    bool away = member.view.state == host_state::lost || member.view.state == host_state::joining;
    if (member.silent_since)
      sight.silent_since.push_back(*member.silent_since);
    else if (!away)
      ++sight.heard;
  }
  if (auto text = core::look_at_herd(healing.herd, sight))
    tell_herd(*text);
  if (healing.herd.mood == core::herd_mood::braked)
    check_own_side();
  hedge_silent();
  requeue_held();
  if (at - healing.looked_slow < limits::healing_look)
    return;
  healing.looked_slow = at;
  probe_hosts();
  climb_ladders();
  review_stages();
  advance_trials();
}

/// After news of a host: since when it has not spoken.
void coordinator_state::note_silence(herd_member& member) {
  if (member.view.state != host_state::suspect)
    member.silent_since.reset();
  else if (!member.silent_since)
    member.silent_since = now() - milliseconds{std::max<int64_t>(member.view.last_seen_ms, 0)};
  if (member.view.state != host_state::lost)
    welcome_back(member);
}

void coordinator_state::tell_herd(const std::string& text) {
  spdlog::warn("herd alarm: {}", text);
  storage::write_batch batch;
  event_record event;
  event.kind = event_kind::herd_alarm;
  event.at = settings.clock();
  event.text = text;
  batch.events.push_back(std::move(event));
  self->request(services.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

/// Whether this process itself is what does not answer: its links live on the thread that reads the
/// sockets, so a thread that hangs shows as links that do not answer the census.
void coordinator_state::check_own_side() {
  if (now() - healing.checked < limits::alarm_check_every)
    return;
  healing.checked = now();
  self->request(services.census, 4 * limits::census_answer, atom::describe::value)
    .then(
      [this](const std::vector<actor_entry>& entries) {
        std::string trouble;
        for (const auto& entry : entries)
          if (entry.state.compare(0, 7, "blocked") == 0)
            trouble = entry.name + " does not answer";
        if (auto text = core::own_side_checked(healing.herd, trouble))
          tell_herd(*text);
      },
      [](const caf::error&) {}); // it is asked again
}

// -- second attempts -----------------------------------------------------------------------------

bool coordinator_state::is_hedge_due(const herd_member& member) const {
  if (!member.silent_since)
    return false;
  auto pace = core::pace_for(herd.size()).beat_every;
  auto due = limits::hedge_after * pace.count() / limits::beat_interval.count();
  return now() - *member.silent_since >= due;
}

/// Work that waits goes first: only slots that nobody wants are given to second attempts.
void coordinator_state::hedge_silent() {
  if (healing.herd.mood == core::herd_mood::braked || core::is_mutant(core::mutant::no_hedge))
    return;
  std::vector<build_id> candidates;
  bool any_silent = false;
  for (const auto& [id, member] : herd)
    any_silent |= member.silent_since.has_value();
  if (!any_silent)
    return healing.hedgeable.clear();
  std::erase_if(healing.hedgeable, [this](const auto& known) { // its host is back, or another one
    auto build = active.find(known.first);
    auto host = build == active.end() ? herd.end() : herd.find(build->second.host);
    return host == herd.end() || !is_hedge_due(host->second);
  });
  for (const auto& [id, build] : active) {
    auto host = build.hedge.value.empty() ? herd.find(build.host) : herd.end();
    if (host != herd.end() && is_hedge_due(host->second))
      candidates.push_back(id);
  }
  if (!candidates.empty() && !queue.empty())
    plan();
  for (auto id : candidates)
    if (const auto* entry = hedge_entry(id))
      if (!hedge(id, active.at(id), *entry))
        return;
}

/// What a second attempt of the build asks of a host; null: it gets none.
const core::queue_entry* coordinator_state::hedge_entry(build_id id) {
  auto [known, fresh] = healing.hedgeable.try_emplace(id);
  if (fresh) {
    auto file = storage::read_build_file(*settings.store, id);
    if (file && *file && core::why_no_hedge(**file).empty())
      known->second = core::wish_of_hedge(**file);
  }
  return known->second ? &*known->second : nullptr;
}

/// False if no more may be begun now.
bool coordinator_state::hedge(build_id id, active_build& build, const core::queue_entry& entry) {
  auto found = core::place_builds({&entry}, offers());
  if (found.empty())
    return true;
  bool careful = healing.herd.mood != core::herd_mood::calm;
  if (!core::take(healing.hedges, careful ? limits::careful_hedges_at_once : limits::hedges_at_once,
                  careful ? limits::careful_hedge_refill : limits::hedge_refill, now()))
    return false;
  const auto& host = found.front().host;
  auto& member = herd.at(host);
  auto silent = now() - *herd.at(build.host).silent_since;
  build.hedge = host;
  build.hedge_placement = ++build.last_placement;
  ++member.used;
  healing.hedgeable[id].reset(); // once for each silence
  self->send(build.actor,
             hedge_order{{host, member.supervisor},
                         build.host.value + " has been silent for " + core::spoken(silent)
                           + ", and " + host.value + " has a free slot"});
  return true;
}

/// Begins the actor of a build that was placed before, with the slots that it holds.
void coordinator_state::take_seats(const build_file& file) {
  auto& build = active[file.build.id];
  auto host = herd.find(file.build.host);
  bool placed_now = file.build.state == build_state::running && host != herd.end();
  build.host = build.hedge = {};
  build.placement = file.build.placement;
  build.last_placement = core::last_placement(file);
  build.has_tests = core::has_tests(file.recipe);
  build.actor = spawn_build(file, placed_now ? host->second.supervisor : host_supervisor_actor{});
  if (!placed_now)
    return;
  build.host = host->first;
  ++host->second.used;
  auto seat = core::open_hedge(file);
  if (auto second = seat ? herd.find(seat->host) : herd.end(); second != herd.end()) {
    build.hedge = seat->host;
    build.hedge_placement = seat->placement;
    ++second->second.used;
  }
}

void coordinator_state::release_hedge(active_build& build) {
  if (auto member = herd.find(build.hedge); member != herd.end() && member->second.used > 0)
    --member->second.used;
  build.hedge = {};
}

void coordinator_state::on_hedge_over(const hedge_over& said) {
  auto known = active.find(said.build);
  if (known == active.end() || known->second.hedge != said.host)
    return;
  auto& build = known->second;
  build.last_placement = said.last_placement;
  if (said.moved) {
    release(build);
    build.host = std::exchange(build.hedge, {});
    build.placement = build.hedge_placement;
  } else {
    release_hedge(build);
  }
  healing.hedgeable.erase(said.build);
  schedule_plan();
}

// -- losses while half the herd is gone ----------------------------------------------------------

void coordinator_state::on_lost(const attempt_lost& said) {
  auto told = said;
  if (healing.herd.mood != core::herd_mood::calm)
    told.reason += core::lost_with_many;
  route(said.token.attempt.build, told);
}

/// During an alarm the builds of lost hosts come back into the queue slowly. True if it waits.
bool coordinator_state::hold_back(build_id id) {
  if (healing.herd.mood == core::herd_mood::calm)
    return false;
  healing.held_back.insert(id);
  return true;
}

void coordinator_state::requeue_held() {
  if (healing.held_back.empty() || healing.herd.mood == core::herd_mood::braked)
    return;
  while (!healing.held_back.empty()) {
    bool free =
      healing.herd.mood == core::herd_mood::calm
      || core::take(healing.requeues, limits::alarm_requeues, limits::alarm_requeue_every, now());
    if (!free)
      break;
    healing.held_back.erase(healing.held_back.begin());
  }
  schedule_plan();
}

} // namespace drover
