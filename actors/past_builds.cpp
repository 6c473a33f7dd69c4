// SPDX-License-Identifier: Apache-2.0
#include "actors/past_builds.hpp"

#include "actors/core/explain/ending.hpp"
#include "actors/core/explain/first_error.hpp"
#include "schema/limits_blame.hpp"
#include "schema/limits_explain.hpp"
#include "storage/build_facts.hpp"
#include "storage/known_builds.hpp"
#include "storage/log_tail.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

void add_failing(const test_report& report, std::vector<core::test_key>& into) {
  for (const auto& test : report.tests)
    if (is_failure(test.outcome) && into.size() < limits::blame_tests_max)
      into.push_back({test.suite, test.name});
}

/// Whether its tests are still to be read.
bool awaits_tests(const build_file& file, const step_record& step) {
  return step.accepted.value != 0 && !file.recipe.steps.at(step.index.value).tests.empty();
}

/// The first that is near enough to be compared.
build_id first_near(build_id build) {
  return {build.value - std::min<uint64_t>(build.value, limits::blame_compared_within)};
}

} // namespace

void cannot_read(const build_record& build, const failure& why) {
  spdlog::warn("blame of build={} misses something: {}", build.id.value, why.text);
}

size_t mark_of_work(const build_record& build) {
  std::hash<std::string> hash;
  auto mark = hash(build.builder);
  auto mix = [&](const std::string& text) { mark = mark * 31 + hash(text); };
  mix(build.source.id);
  mix(build.source.sha256);
  mix(build.source.revision);
  for (const auto& [name, value] : build.params) {
    mix(name);
    mix(value);
  }
  return mark;
}

bool same_work(const build_record& a, const build_record& b) {
  return a.builder == b.builder && a.source == b.source && a.params == b.params;
}

bool past_builds::look_for_new() {
  auto found = storage::builds_after(*store_, newest_, 2 * limits::blame_compared_within);
  if (!found) {
    spdlog::warn("blame misses something: {}", found.error().text);
    return false;
  }
  if (!found->empty())
    newest_ = found->front().id;
  for (auto& build : *found)
    renew(std::move(build));
  return true;
}

past_builds::item past_builds::learn(build_record over) {
  auto one = renew(std::move(over));
  while (remembered_.size() > limits::blame_remembered_max)
    forget(remembered_.begin()->first); // the oldest: most searches are near the newest
  return one;
}

past_builds::item past_builds::read_again(const item& build) {
  auto id = build->ending.build.id;
  auto found = take(storage::read_build(*store_, id), build->ending.build);
  if (found && *found)
    return renew(**std::move(found));
  if (found)
    forget(id);
  return nullptr;
}

void past_builds::forget(build_id build) {
  auto known = remembered_.find(build);
  if (known == remembered_.end())
    return;
  auto kin = by_builder_.find(known->second->ending.build.builder);
  kin->second.erase(build);
  if (kin->second.empty())
    by_builder_.erase(kin);
  auto alike = by_work_.find(known->second->work);
  alike->second.erase(build);
  if (alike->second.empty())
    by_work_.erase(alike);
  remembered_.erase(known);
}

std::vector<past_builds::item> past_builds::same_near(const build_record& build) const {
  std::vector<item> found;
  auto kin = by_work_.find(mark_of_work(build));
  if (kin == by_work_.end())
    return found;
  auto first = first_near(build.id);
  auto one = kin->second.upper_bound({build.id.value + limits::blame_compared_within});
  while (one != kin->second.begin() && (--one)->first >= first)
    if (same_work(one->second->ending.build, build))
      found.push_back(one->second);
  return found;
}

std::vector<past_builds::item> past_builds::red_before(const build_record& build,
                                                       size_t most) const {
  std::vector<item> found;
  auto kin = by_builder_.find(build.builder);
  if (kin == by_builder_.end())
    return found;
  auto first = first_near(build.id);
  auto one = kin->second.lower_bound(build.id);
  while (found.size() < most && one != kin->second.begin() && (--one)->first >= first) {
    const auto& other = one->second->ending.build;
    if (core::is_blamable(other) && !same_work(other, build))
      found.push_back(one->second);
  }
  return found;
}

bool past_builds::is_there(const item& build) {
  auto found = take(storage::has_build(*store_, build->ending.build.id), build->ending.build);
  if (!found || *found)
    return true;
  forget(build->ending.build.id);
  return false;
}

/// A verdict on a build that is over changes its record, but not how it ended.
past_builds::item past_builds::renew(build_record record) {
  auto& one = remembered_[record.id];
  bool was_over = one && one->ending.build.state == build_state::finished;
  if (!was_over) {
    one = std::make_shared<past_build>();
    one->work = mark_of_work(record);
    by_builder_[record.builder][record.id] = one;
    by_work_[one->work][record.id] = one;
  }
  one->ending.build = std::move(record);
  one->ending.build.artifacts.clear();
  return one;
}

const core::build_ending& past_builds::end_of(const item& build) {
  if (build->settled)
    return build->ending;
  if (build->log_open) {
    read_error(*build, build->searched);
    return build->ending;
  }
  auto& out = build->ending;
  out = {std::move(out.build), {}, -1, std::move(out.error), {}};
  build->settled = out.build.state == build_state::finished;
  auto hosts = take(storage::read_build_facts(*store_, out.build.id), out.build);
  build->settled &= hosts.has_value();
  if (hosts)
    if (auto last = hosts->find(out.build.placement); last != hosts->end())
      out.platform = core::platform_of(last->second.facts);
  if (core::is_blamable(out.build))
    read_steps(*build);
  return out;
}

void past_builds::read_steps(past_build& one) {
  auto& out = one.ending;
  auto file = take(storage::read_build_file(*store_, out.build.id), out.build);
  one.settled &= file && *file;
  if (!file || !*file)
    return;
  one.never_asked = !core::opinion_obstacle(**file).empty();
  for (const auto& step : (*file)->steps) {
    auto report = take(storage::read_test_report(*store_, out.build.id, step.index), out.build);
    bool known = report && *report;
    if (known)
      add_failing(**report, out.failing);
    one.settled &= known || (report && !awaits_tests(**file, step));
  }
  one.settled &= out.failing.size() <= limits::blame_tests_remembered_max;
  std::sort(out.failing.begin(), out.failing.end());
  const auto* step = core::culprit(**file, out.build.outcome);
  const auto* attempt = step == nullptr ? nullptr : core::telling_attempt(*step);
  if (attempt == nullptr) {
    out.error.clear();
    return;
  }
  out.step = step->name;
  out.exit_code = attempt->exit_code;
  read_error(one, {out.build.id, step->index, attempt->number});
  // Of a lost one more may come.
  one.log_open = one.settled && attempt->state != attempt_state::finished;
  one.settled &= !one.log_open;
}

/// The line of the attempt's log that tells of its failure, searched again only when there is more.
void past_builds::read_error(past_build& one, const attempt_id& id) {
  auto& out = one.ending;
  auto size = take(storage::log_size(*store_, id), out.build);
  one.settled &= size.has_value();
  if (!size || (one.searched == id && one.log_bytes == *size))
    return;
  auto tail = take(storage::read_log_tail(*store_, id, limits::error_search_bytes_max), out.build);
  one.settled &= tail.has_value();
  if (!tail)
    return;
  out.error = core::first_error(*tail).line;
  one.searched = id;
  one.log_bytes = *size;
}

} // namespace drover
