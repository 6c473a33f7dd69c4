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

} // namespace

void cannot_read(const build_record& build, const failure& why) {
  spdlog::warn("blame of build={} misses something: {}", build.id.value, why.text);
}

std::vector<past_builds::item> past_builds::around(const build_record& build) {
  std::vector<item> found;
  auto keep = [&](const item& one) {
    if (one->ending.build.builder == build.builder)
      found.push_back(one);
  };
  storage::build_visitor visitor;
  visitor.known = [&](build_id id, std::string_view bytes) {
    auto known = remembered_.find(id);
    if (known == remembered_.end() || known->second->bytes != bytes)
      return false;
    keep(known->second);
    return true;
  };
  visitor.fresh = [&](build_record record, std::string_view bytes) {
    keep(renew(std::move(record), bytes));
  };
  build_id before{build.id.value + limits::blame_searched_max};
  auto problem = storage::visit_builds(*store_, before, 2 * limits::blame_searched_max, visitor);
  while (remembered_.size() > limits::blame_remembered_max)
    remembered_.erase(remembered_.begin()); // the oldest: most searches are near the newest
  if (!problem)
    return found;
  cannot_read(build, *problem);
  return {};
}

/// A verdict on a build that is over changes its record, but not how it ended.
past_builds::item past_builds::renew(build_record record, std::string_view bytes) {
  auto& one = remembered_[record.id];
  bool was_over = one && one->ending.build.state == build_state::finished;
  if (!was_over)
    one = std::make_shared<past_build>();
  one->ending.build = std::move(record);
  one->ending.build.artifacts.clear();
  one->bytes = bytes;
  return one;
}

const core::build_ending& past_builds::end_of(const item& build) {
  if (build->settled)
    return build->ending;
  auto& out = build->ending;
  out = {std::move(out.build), {}, -1, std::move(out.error), {}};
  build->settled = out.build.state == build_state::finished;
  auto hosts = readable(storage::read_build_facts(*store_, out.build.id), out.build);
  build->settled &= hosts.has_value();
  if (hosts)
    if (auto last = hosts->find(out.build.placement); last != hosts->end())
      out.platform = core::platform_of(last->second.facts);
  if (core::is_blamable(out.build))
    read_steps(*build);
  return out;
}

void past_builds::read_steps(past_build& one) const {
  auto& out = one.ending;
  auto file = readable(storage::read_build_file(*store_, out.build.id), out.build);
  one.settled &= file && *file;
  if (!file || !*file)
    return;
  for (const auto& step : (*file)->steps) {
    auto report = readable(storage::read_test_report(*store_, out.build.id, step.index), out.build);
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
  one.settled &= attempt->state == attempt_state::finished; // of a lost one more may come
  read_error(one, *step, *attempt);
}

/// The line of the attempt's log that tells of its failure, searched again only when there is more.
void past_builds::read_error(past_build& one, const step_record& step,
                             const attempt_record& attempt) const {
  auto& out = one.ending;
  attempt_id id{out.build.id, step.index, attempt.number};
  auto size = readable(storage::log_size(*store_, id), out.build);
  one.settled &= size.has_value();
  if (!size || (one.searched == id && one.log_bytes == *size))
    return;
  auto tail =
    readable(storage::read_log_tail(*store_, id, limits::error_search_bytes_max), out.build);
  one.settled &= tail.has_value();
  if (!tail)
    return;
  out.error = core::first_error(*tail).line;
  one.searched = id;
  one.log_bytes = *size;
}

} // namespace drover
