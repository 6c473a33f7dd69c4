// SPDX-License-Identifier: Apache-2.0
#include "actors/archivist.hpp"

#include "actors/core/events.hpp"
#include "schema/limits.hpp"
#include "schema/limits_blame.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

// -- blame ---------------------------------------------------------------------------------------

void archivist_state::remember(const build_record& build) {
  if (!knows_past) {
    knows_past = past.look_for_new();
    for (const auto& [builder, builds] : past.all())
      for (const auto& [id, one] : builds)
        if (core::is_blamable(one->ending.build) && !reds.contains(id))
          remember_red(one->ending.build);
  }
  past.learn(build);
  if (core::is_blamable(build))
    remember_red(build);
}

void archivist_state::remember_red(const build_record& build) {
  reds.insert_or_assign(build.id, known_red{build, mark_of_work(build), {}, true});
  while (reds.size() > limits::blame_compared_within)
    reds.erase(reds.begin());
}

/// Itself and what it is a second opinion on, and the newest others.
std::vector<build_id> archivist_state::concerned(const build_record& end) const {
  bool tells = core::is_green(end) || core::is_blamable(end);
  auto work = mark_of_work(end);
  std::vector<build_id> found;
  size_t others = 0;
  for (auto red = reds.rbegin(); red != reds.rend(); ++red) {
    const auto& [build, mark, reach, waits] = red->second;
    if (mark != work)
      continue;
    bool itself = build.id == end.id || build.id == end.opinion_of;
    if (!itself && others >= limits::blame_judged_max)
      continue;
    // One that was cancelled tells nothing, but nobody need wait for it any more.
    if (!same_work(build, end) || !(tells ? core::can_concern(build, reach, end) : waits))
      continue;
    found.push_back(build.id);
    others += itself ? 0 : 1;
  }
  return found;
}

/// Compares it with the most telling ends of the same work; if they tell nothing, with earlier ones
/// of other sources as well, newest first.
archivist_state::judgement archivist_state::weigh(const past_builds::item& red) {
  const auto& ending = past.end_of(red);
  if (core::speaks_for_itself(ending))
    return {core::judge_blame({ending, {}, {}}), {0, 0}};
  const auto& build = ending.build;
  past_items compared;
  core::blame_choice choice;
  do { // else without those that are gone
    auto same = past.same_near(build);
    std::vector<const build_record*> records;
    for (const auto& one : same)
      records.push_back(&one->ending.build);
    choice = core::choose_compared(build, records);
    compared.clear();
    for (auto position : choice.chosen)
      compared.push_back(same[position]);
  } while (!are_there(compared));
  core::blame_case known{ending, {}, {}};
  for (const auto& one : compared)
    known.same.push_back(&past.end_of(one));
  auto verdict = core::judge_blame(known);
  if (verdict.fault != blame::none)
    return {std::move(verdict), choice.reach};
  past_items earlier;
  do
    earlier = past.red_before(build, limits::blame_history_max);
  while (!are_there(earlier));
  for (const auto& one : earlier)
    known.earlier.push_back(&past.end_of(one));
  return {core::judge_blame(known), choice.reach};
}

bool archivist_state::are_there(const past_items& builds) {
  bool all = true;
  for (const auto& one : builds)
    all &= past.is_there(one);
  return all;
}

/// What was not over when it was read is read again: whether the same is still being built, so that
/// its end will tell. One that has ended, but was not told yet, tells from now on.
bool archivist_state::is_built_near(const build_record& red) {
  auto open = past.same_near(red);
  std::erase_if(open,
                [](const auto& one) { return one->ending.build.state == build_state::finished; });
  bool any = false;
  for (const auto& one : open)
    if (auto now = past.read_again(one))
      any |= now->ending.build.state != build_state::finished;
  return any;
}

void archivist_state::judge_red(build_id id, judged& answer, storage::write_batch& batch) {
  auto& known = reds.at(id);
  known.reach = {};
  known.waits = false;
  auto stored = readable(storage::read_build(*store, id), known.build);
  if (!stored)
    return;
  if (!*stored) { // deleted meanwhile
    past.forget(id);
    reds.erase(id);
    return;
  }
  self->send(census, actor_note{name, "judges build " + to_string(id)});
  auto red = past.learn(**stored);
  past.missed_something();
  auto found = weigh(red);
  bool wishes = found.verdict.wish != core::opinion_wish::none && !red->never_asked;
  bool all_seen = !past.missed_something();
  if (wishes) { // what has ended but was not told yet may make an opinion needless
    all_seen &= past.look_for_new();
    known.waits = is_built_near(**stored);
    found = weigh(red);
    wishes = found.verdict.wish != core::opinion_wish::none;
    known.waits &= wishes;
    if (wishes && !known.waits)
      answer.open.push_back({id, found.verdict.wish});
    all_seen &= !past.missed_something();
  }
  // A wish that can't be granted now may be later, and what was not read may be then. Of a lost
  // attempt more of the log may come, but a lost host says all.
  bool told = red->settled || (*stored)->outcome == result::host_lost;
  if (!wishes && all_seen && knows_past && told)
    known.reach = found.reach;
  if (found.verdict.fault != (*stored)->fault
      || found.verdict.evidence != (*stored)->fault_evidence)
    change(**std::move(stored), found.verdict, batch);
}

void archivist_state::change(build_record changed, const core::blame_verdict& verdict,
                             storage::write_batch& batch) {
  changed.fault = verdict.fault;
  changed.fault_evidence = verdict.evidence;
  storage::put_build(batch, changed);
  auto event = core::about_build(event_kind::blame_changed, changed, clock());
  event.host = changed.host;
  event.state = to_string(changed.fault);
  event.text = changed.fault_evidence;
  batch.events.push_back(std::move(event));
  spdlog::info("blame build={} fault={} evidence=\"{}\"", changed.id.value,
               to_string(changed.fault), printable(changed.fault_evidence, 200));
}

caf::result<judged> archivist_state::judge(build_id build) {
  auto over = storage::read_build(*store, build);
  if (over && !*over)
    past.forget(build);
  if (!over || !*over || (*over)->state != build_state::finished)
    return judged{};
  remember(**over);
  auto red = concerned(**over);
  if (red.empty())
    return judged{};
  judged answer;
  storage::write_batch batch;
  for (auto id : red)
    judge_red(id, answer, batch);
  activity.did("judged build " + to_string(build), self->clock().now());
  if (batch.empty())
    return answer;
  auto promise = self->make_response_promise<judged>();
  self
    ->request(recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .await([promise, answer](recorded) mutable { promise.deliver(answer); });
  return promise;
}

// -- retention -----------------------------------------------------------------------------------

caf::result<artifacts_gone> archivist_state::drop(const drop_artifacts& order) {
  storage::write_batch batch;
  artifacts_gone gone;
  for (const auto& line : order.builds) {
    auto build = storage::read_build(*store, line.build);
    if (!build || !*build || (*build)->state != build_state::finished || (*build)->artifacts_dropped
        || (*build)->artifacts.empty())
      continue;
    auto changed = **build;
    changed.artifacts_dropped = true;
    changed.artifact_problem = "dropped by retention at " + to_string(clock()) + ": " + line.why;
    storage::put_build(batch, changed);
    auto event = core::about_build(event_kind::artifacts_dropped, changed, clock());
    event.text = printable(line.why, limits::reason_bytes_max);
    batch.events.push_back(std::move(event));
    ++gone.builds;
  }
  activity.did("dropped artifacts of " + std::to_string(gone.builds) + " builds",
               self->clock().now());
  if (batch.empty())
    return gone;
  auto promise = self->make_response_promise<artifacts_gone>();
  self
    ->request(recorder, caf::infinite, std::move(batch)) // as in `judge`
    .await([promise, gone](recorded) mutable { promise.deliver(gone); });
  return promise;
}

actor_entry archivist_state::describe() const {
  return describe_as(name, name, "idle", activity.told(self->clock().now()));
}

archivist_actor::behavior_type archivist(archivist_state::pointer self,
                                         const farm_settings& settings, recorder_actor recorder,
                                         census_actor census) {
  auto& state = self->state;
  state.store = settings.store;
  state.past.open(settings.store);
  state.clock = settings.clock;
  state.recorder = std::move(recorder);
  state.census = std::move(census);
  return {
    [self](const judge_build& request) { return self->state.judge(request.build); },
    [self](const drop_artifacts& order) { return self->state.drop(order); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
