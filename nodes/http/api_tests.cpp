// What a build's tests said, next to the build before it.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/reader.hpp"
#include "actors/core/test_history.hpp"
#include "nodes/http/routes.hpp"
#include "schema/limits_tests.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

json json_of(const test_counts& counts) {
  auto out = json::object();
  for (size_t i = 0; i < test_outcome_names.size(); ++i)
    out[std::string{test_outcome_names[i]}] = counts.by_outcome[i];
  return out;
}

json json_of(const test_case& test, const std::string& step) {
  auto out = json::object();
  out["name"] = test.name;
  out["suite"] = test.suite;
  out["outcome"] = std::string{to_string(test.outcome)};
  out["seconds"] = test.seconds < 0 ? json(nullptr) : json(test.seconds);
  out["message"] = test.message.empty() ? json(nullptr) : json(test.message);
  out["file"] = test.file.empty() ? json(nullptr) : json(test.file);
  out["line"] = test.line == 0 ? json(nullptr) : json(test.line);
  out["step"] = step;
  return out;
}

json json_of(const std::vector<core::test_key>& keys) {
  auto out = json::array();
  for (const auto& key : keys)
    out.push_back(json{{"suite", key.suite}, {"name", key.name}});
  return out;
}

struct step_report {
  std::string step;
  test_report report;
};

expected<std::vector<step_report>> read_reports(const storage::store& store,
                                                const build_file& file) {
  std::vector<step_report> reports;
  for (const auto& step : file.steps) {
    auto report = storage::read_test_report(store, file.build.id, step.index);
    if (!report)
      return report.error();
    if (*report)
      reports.push_back({step.name, **std::move(report)});
  }
  return reports;
}

test_report joined(const std::vector<step_report>& reports) {
  test_report all;
  for (const auto& one : reports)
    core::merge(all, one.report);
  return all;
}

/// The newest build before this one of the same builder, on the same host if there is one.
expected<std::optional<build_id>> build_before(const storage::store& store,
                                               const build_record& build) {
  auto page = storage::list_builds(store, build.id, limits::test_history_builds,
                                   [](const build_record&) { return true; });
  if (!page)
    return page.error();
  std::optional<build_id> elsewhere;
  for (const auto& older : *page) {
    if (older.builder != build.builder || older.opinion_of.value != 0
        || older.state != build_state::finished || older.outcome == result::cancelled
        || older.outcome == result::skipped)
      continue;
    if (older.host == build.host)
      return std::optional{older.id};
    if (!elsewhere)
      elsewhere = older.id;
  }
  return elsewhere;
}

bool has_tests(const build_file& file) {
  return std::any_of(file.recipe.steps.begin(), file.recipe.steps.end(),
                     [](const step_spec& step) { return !step.tests.empty(); });
}

void add_changes(json& out, const test_report& before, const test_report& now) {
  auto changes = core::compare(before, now);
  out["new_failures"] = json_of(changes.new_failures);
  out["still_failing"] = json_of(changes.still_failing);
  out["fixed"] = json_of(changes.fixed);
  out["missing"] = json_of(changes.missing);
}

json steps_of(const std::vector<step_report>& reports) {
  auto steps = json::array();
  for (const auto& one : reports)
    steps.push_back(
      json{{"step", one.step},
           {"dialect", one.report.dialect.empty() ? json(nullptr) : json(one.report.dialect)},
           {"counts", json_of(one.report.counts)},
           {"truncated", one.report.truncated},
           {"only_failures_named", one.report.only_failures_named}});
  return steps;
}

} // namespace

answer get_tests(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  const auto& store = *call.api.parts.store;
  if (has_tests(*file) && file->build.state == build_state::finished) {
    auto read =
      co_await ask<tests_analysed>(call.api.parts.door, call.api.parts.analyst,
                                   limits::request_timeout, analyse_tests{file->build.id});
    if (!read)
      co_return failure_answer(read.error());
  }
  auto reports = read_reports(store, *file);
  if (!reports)
    co_return failure_answer(reports.error());
  auto now = joined(*reports);
  auto before = build_before(store, file->build);
  if (!before)
    co_return failure_answer(before.error());
  auto out = json::object();
  out["id"] = file->build.id.value;
  out["configured"] = has_tests(*file);
  out["counts"] = json_of(now.counts);
  out["steps"] = steps_of(*reports);
  out["compared_with"] = *before ? json((*before)->value) : json(nullptr);
  test_report earlier;
  if (*before)
    if (auto old = storage::read_build_file(store, **before); old && *old)
      if (auto old_reports = read_reports(store, **old))
        earlier = joined(*old_reports);
  add_changes(out, earlier, now);
  out["notes"] = now.notes;
  out["tests"] = json::array();
  for (const auto& one : *reports)
    for (const auto& test : one.report.tests)
      out["tests"].push_back(json_of(test, one.step));
  co_return json_answer(out);
}

} // namespace drover::http
