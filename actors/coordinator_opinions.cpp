// Second opinions: a failure of doubtful class is tried once more, on another host.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/blame.hpp"
#include "actors/core/events.hpp"
#include "schema/limits_blame.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

/// Its tests are known now, if it has any.
void coordinator_state::analysed(build_id build) {
  judge(build);
  canary_over(build);
}

/// Behind the tests of the build, which tell failures apart.
void coordinator_state::judge(build_id build) {
  self
    ->request(services.archivist, caf::infinite, judge_build{build}) // it lives as long as we do
    .then([this](const judged& answer) {
      for (const auto& each : answer.open)
        consider_opinion(each.red, each.wish);
    });
}

/// Once after the start, when hosts had time to come back: verdicts, opinions and second tries that
/// a dying coordinator owed, and what was asked lately.
void coordinator_state::judge_missed() {
  judge_missed_at.reset();
  auto newest = storage::list_builds(*settings.store, {}, limits::repeats_remembered_max,
                                     [](const build_record&) { return true; });
  if (!newest) {
    spdlog::error("builds unreadable at the start: {}", newest.error().text);
    return;
  }
  repeat_missed(*newest);
  newest->resize(std::min(newest->size(), limits::blame_searched_max));
  auto now = settings.clock().ms;
  std::map<build_id, size_t> known;
  opinions.clear(); // those of this life are read back as well
  for (auto build = newest->rbegin(); build != newest->rend(); ++build) {
    if (build->opinion_of.value != 0) {
      ++known[build->opinion_of];
      if (build->created_at.ms > now - limits::opinion_period.count())
        opinions.push_back(build->created_at.ms);
    }
    bool recent = build->finished_at.ms > now - limits::blame_recovery_age.count();
    if (core::is_blamable(*build) && recent)
      judge(build->id);
  }
  for (const auto& [red, times] : known)
    opinions_asked[red] = std::max(opinions_asked[red], times);
}

bool coordinator_state::within_opinion_budget() {
  return core::spend(opinions, {limits::opinions_max, limits::opinion_period}, settings.clock().ms);
}

/// Why nothing is tried again on the host where it failed; empty: it may be. A host that is merely
/// away is waited for.
std::string coordinator_state::home_obstacle(const host_name& home) const {
  auto member = herd.find(home);
  if (member == herd.end())
    return home.value + " is not in this farm any more";
  bool quarantined = member->second.view.record.hold.kind == hold_kind::quarantine;
  return quarantined ? home.value + " is quarantined" : "";
}

void coordinator_state::consider_opinion(build_id red, core::opinion_wish wish) {
  auto asked = opinions_asked.find(red);
  auto times = asked == opinions_asked.end() ? 0 : asked->second;
  auto allowed = wish == core::opinion_wish::again ? limits::opinions_of_build_max : 1;
  if (times >= allowed)
    return;
  auto file = storage::read_build_file(*settings.store, red);
  if (!file || !*file) {
    spdlog::error("build={} can't be read for a second opinion: {}", red.value,
                  file ? "it is not there" : file.error().text);
    return;
  }
  auto obstacle = core::opinion_obstacle(**file);
  auto on = (*file)->build.host;
  if (obstacle.empty() && wish == core::opinion_wish::again)
    obstacle = home_obstacle(on);
  if (obstacle.empty() && wish == core::opinion_wish::elsewhere) {
    std::vector<core::opinion_host> hosts;
    for (const auto& offer : offers())
      hosts.push_back({offer, herd.at(offer.name).view.record.machine_id});
    on = core::choose_opinion_host(**file, hosts);
    if (on.value.empty())
      obstacle = "no other host that is up serves it";
  }
  if (obstacle.empty() && !within_opinion_budget())
    obstacle = "there were " + std::to_string(limits::opinions_max) + " within the hour";
  if (obstacle.empty())
    return ask_opinion(**file, on);
  spdlog::info("no second opinion build={} reason=\"{}\"", red.value, obstacle);
}

/// What is to tell something of a host must run there: a kept result tells of another one.
void coordinator_state::forgo_cache(build_file& file) {
  for (auto& step : file.recipe.steps)
    step.cache = {};
}

void coordinator_state::ask_opinion(const build_file& red, const host_name& on) {
  ++opinions_asked[red.build.id];
  while (opinions_asked.size() > limits::blame_searched_max)
    opinions_asked.erase(opinions_asked.begin()); // as many as a start reads back
  auto file = core::make_opinion(red, {++last_build.value}, on, settings.clock());
  forgo_cache(file);
  storage::write_batch batch;
  put_new_build(batch, file);
  auto event = core::about_build(event_kind::opinion_asked, red.build, file.build.created_at);
  event.host = on;
  event.text = "build " + to_string(file.build.id) + " tries it on " + on.value;
  batch.events.push_back(std::move(event));
  spdlog::info("second opinion on build={} asked of host={} build={}", red.build.id.value, on.value,
               file.build.id.value);
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([this, file = std::move(file)](recorded) mutable {
      std::vector<build_file> made;
      made.push_back(std::move(file));
      enqueue(std::move(made));
    });
}

/// In the order in which hosts are given away: opinions come last.
core::queue_view coordinator_state::waiting_entries() const {
  core::queue_view entries;
  entries.reserve(queue.size());
  for (const auto& [id, entry] : queue)
    if (entry.is_canary && !healing.held_back.contains(id))
      entries.push_back(&entry); // it is small, and a host waits for it
  for (const auto& [id, entry] : queue)
    if (!entry.is_opinion && !entry.is_canary && !healing.held_back.contains(id))
      entries.push_back(&entry);
  for (const auto& [id, entry] : queue)
    if (entry.is_opinion && !healing.held_back.contains(id))
      entries.push_back(&entry); // whatever people and sources want goes first
  return entries;
}

/// Whether it is for one host alone, and that is full or away: of builds for each host most are.
bool coordinator_state::waits_for_its_host(const core::queue_entry& entry) const {
  if (entry.pinned.value.empty())
    return false;
  auto found = herd.find(entry.pinned);
  if (found == herd.end())
    return true;
  return !has_room(found->second);
}

bool coordinator_state::has_room(const herd_member& member) {
  auto slots = member.slots > 0 ? member.slots : member.view.record.slots; // an owner may give less
  return member.view.state == host_state::up && member.used < slots;
}

} // namespace drover
