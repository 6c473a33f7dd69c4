// SPDX-License-Identifier: Apache-2.0
#include "actors/archivist.hpp"

#include "actors/core/events.hpp"
#include "actors/core/explain/ending.hpp"
#include "actors/core/explain/first_error.hpp"
#include "schema/limits.hpp"
#include "schema/limits_blame.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"
#include "storage/build_facts.hpp"
#include "storage/log_tail.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

bool same_work(const build_record& a, const build_record& b) {
  return a.builder == b.builder && a.source == b.source && a.params == b.params;
}

/// What was read, or nothing with a line in the log: a verdict from less is better than none.
template <class Value>
std::optional<Value> readable(expected<Value> found, const build_record& build) {
  if (found)
    return std::move(*found);
  spdlog::warn("blame of build={} misses something: {}", build.id.value, found.error().text);
  return std::nullopt;
}

void add_failing(const test_report& report, std::vector<core::test_key>& into) {
  for (const auto& test : report.tests)
    if (is_failure(test.outcome) && into.size() < limits::blame_tests_max)
      into.push_back({test.suite, test.name});
}

} // namespace

// -- blame ---------------------------------------------------------------------------------------

core::build_ending archivist_state::ending_of(const build_record& build) const {
  core::build_ending out{build, {}, -1, {}, {}};
  if (auto hosts = readable(storage::read_build_facts(*store, build.id), build))
    if (auto last = hosts->find(build.placement); last != hosts->end())
      out.platform = core::platform_of(last->second.facts);
  if (!core::is_blamable(build))
    return out;
  auto file = readable(storage::read_build_file(*store, build.id), build);
  if (!file || !*file)
    return out;
  for (const auto& step : (*file)->steps)
    if (auto report = readable(storage::read_test_report(*store, build.id, step.index), build);
        report && *report)
      add_failing(**report, out.failing);
  std::sort(out.failing.begin(), out.failing.end());
  const auto* step = core::culprit(**file, build.outcome);
  const auto* attempt = step == nullptr ? nullptr : core::telling_attempt(*step);
  if (attempt == nullptr)
    return out;
  out.step = step->name;
  out.exit_code = attempt->exit_code;
  out.error = error_of(build, *step, *attempt);
  return out;
}

std::string archivist_state::error_of(const build_record& build, const step_record& step,
                                      const attempt_record& attempt) const {
  attempt_id id{build.id, step.index, attempt.number};
  if (auto known = errors.find(id); known != errors.end())
    return known->second;
  auto tail = readable(storage::read_log_tail(*store, id, limits::error_search_bytes_max), build);
  if (!tail)
    return {};
  auto line = core::first_error(*tail).line;
  if (attempt.state == attempt_state::finished) // of a lost one more may come
    errors[id] = line;
  while (errors.size() > 2 * limits::blame_searched_max)
    errors.erase(errors.begin());
  return line;
}

/// Builds of the same builder around this one, newest first, itself among them.
std::vector<build_record> archivist_state::neighbours(const build_record& build) const {
  build_id before{build.id.value + limits::blame_searched_max};
  auto found = readable(storage::list_builds(*store, before, 2 * limits::blame_searched_max,
                                             [](const build_record&) { return true; }),
                        build);
  if (!found)
    return {};
  std::erase_if(*found, [&](const build_record& other) { return other.builder != build.builder; });
  return *std::move(found);
}

void archivist_state::remember(const build_record& build) {
  if (!knows_reds) {
    build_id before{build.id.value + limits::blame_searched_max};
    auto past = readable(
      storage::list_builds(*store, before, 2 * limits::blame_searched_max, core::is_blamable),
      build);
    for (auto& red : past.value_or(std::vector<build_record>{})) {
      auto id = red.id;
      reds.insert_or_assign(id, std::move(red));
    }
    knows_reds = past.has_value();
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

core::blame_case archivist_state::gather(const build_file& red,
                                         const std::vector<build_record>& around) const {
  core::blame_case known;
  known.red = ending_of(red.build);
  for (const auto& other : around) {
    if (other.id == red.build.id || other.state != build_state::finished)
      continue;
    if (same_work(other, red.build)) {
      if (known.same.size() < limits::blame_compared_max)
        known.same.push_back(ending_of(other));
    } else if (other.id < red.build.id && core::is_blamable(other)
               && known.earlier.size() < limits::blame_history_max) {
      known.earlier.push_back(ending_of(other));
    }
  }
  return known;
}

caf::result<judged> archivist_state::judge(build_id build) {
  auto over = storage::read_build(*store, build);
  if (!over || !*over || (*over)->state != build_state::finished
      || (*over)->outcome == result::cancelled || (*over)->outcome == result::skipped)
    return judged{};
  remember(**over);
  if (!concerns_a_red(**over))
    return judged{};
  auto around = neighbours(**over);
  // The same is being built elsewhere already: its end will tell.
  bool more_to_come = std::any_of(around.begin(), around.end(), [&](const build_record& other) {
    return other.state != build_state::finished && same_work(other, **over);
  });
  judged answer;
  storage::write_batch batch;
  size_t looked = 0;
  for (const auto& red : around) {
    if (!core::is_blamable(red) || !same_work(red, **over) || ++looked > limits::blame_compared_max)
      continue;
    auto file = readable(storage::read_build_file(*store, red.id), red);
    if (!file || !*file)
      continue;
    self->send(census, actor_note{name, "judges build " + to_string(red.id)});
    auto verdict = core::judge_blame(gather(**file, around));
    if (verdict.wish != core::opinion_wish::none && !more_to_come)
      answer.open.push_back({red.id, verdict.wish});
    if (verdict.fault == red.fault && verdict.evidence == red.fault_evidence)
      continue;
    auto changed = red;
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
