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

namespace {

bool same_work(const build_record& a, const build_record& b) {
  return a.builder == b.builder && a.source == b.source && a.params == b.params;
}

} // namespace

// -- blame ---------------------------------------------------------------------------------------

void archivist_state::remember(const build_record& build) {
  if (!knows_reds) {
    build_id before{build.id.value + limits::blame_searched_max};
    auto found = readable(
      storage::list_builds(*store, before, 2 * limits::blame_searched_max, core::is_blamable),
      build);
    for (auto& red : found.value_or(std::vector<build_record>{})) {
      auto id = red.id;
      reds.insert_or_assign(id, std::move(red));
    }
    knows_reds = found.has_value();
  }
  if (core::is_blamable(build))
    reds.insert_or_assign(build.id, build);
  while (reds.size() > 2 * limits::blame_searched_max)
    reds.erase(reds.begin());
}

bool archivist_state::concerns_a_red(const build_record& build) const {
  return !knows_reds || std::any_of(reds.begin(), reds.end(), [&](const auto& red) {
    return same_work(red.second, build);
  });
}

/// Compares it with the same builds and with earlier ones of other sources, both newest first.
core::blame_case archivist_state::gather(const past_builds::item& red, const past_items& same,
                                         const past_items& others) {
  core::blame_case known{past.end_of(red), {}, {}};
  for (const auto& other : same)
    if (other != red && other->ending.build.state == build_state::finished
        && known.same.size() < limits::blame_compared_max)
      known.same.push_back(&past.end_of(other));
  for (const auto& other : others)
    if (other->ending.build.id < red->ending.build.id && core::is_blamable(other->ending.build)
        && known.earlier.size() < limits::blame_history_max)
      known.earlier.push_back(&past.end_of(other));
  return known;
}

/// Unless it has been deleted meanwhile.
void archivist_state::change(const build_record& red, const core::blame_verdict& verdict,
                             storage::write_batch& batch) {
  auto build = readable(storage::read_build(*store, red.id), red);
  if (!build || !*build)
    return;
  auto& changed = **build;
  changed.fault = verdict.fault;
  changed.fault_evidence = verdict.evidence;
  storage::put_build(batch, changed);
  auto event = core::about_build(event_kind::blame_changed, changed, clock());
  event.host = changed.host;
  event.state = to_string(changed.fault);
  event.text = changed.fault_evidence;
  batch.events.push_back(std::move(event));
  spdlog::info("blame build={} fault={} evidence=\"{}\"", red.id.value, to_string(changed.fault),
               printable(changed.fault_evidence, 200));
}

caf::result<judged> archivist_state::judge(build_id build) {
  auto over = storage::read_build(*store, build);
  if (!over || !*over || (*over)->state != build_state::finished
      || (*over)->outcome == result::cancelled || (*over)->outcome == result::skipped)
    return judged{};
  remember(**over);
  if (!concerns_a_red(**over))
    return judged{};
  auto around = past.around(**over);
  auto others = std::stable_partition(around.begin(), around.end(), [&](const auto& one) {
    return same_work(one->ending.build, **over);
  });
  // The same is being built elsewhere already: its end will tell.
  bool more_to_come = std::any_of(around.begin(), others, [](const auto& one) {
    return one->ending.build.state != build_state::finished;
  });
  judged answer;
  storage::write_batch batch;
  size_t looked = 0;
  for (auto one = around.begin(); one != others; ++one) {
    const auto& red = (*one)->ending.build;
    if (!core::is_blamable(red) || ++looked > limits::blame_compared_max)
      continue;
    self->send(census, actor_note{name, "judges build " + to_string(red.id)});
    auto verdict =
      core::judge_blame(gather(*one, {around.begin(), others}, {others, around.end()}));
    if (verdict.wish != core::opinion_wish::none && !more_to_come)
      answer.open.push_back({red.id, verdict.wish});
    if (verdict.fault != red.fault || verdict.evidence != red.fault_evidence)
      change(red, verdict, batch);
  }
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
