// One test over the builds of a builder, newest first.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/test_story.hpp"
#include "nodes/http/routes.hpp"
#include "schema/limits_history.hpp"
#include "schema/limits_tests.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <chrono>

namespace drover::http {

namespace {

using steady = std::chrono::steady_clock;

struct story_question {
  core::test_choice test;
  std::string builder; ///< empty: any
  build_id before;     ///< 0: from the newest
  size_t rows = limits::test_story_rows_default;
};

struct story_page {
  std::vector<core::test_run> runs;
  size_t looked_at = 0; ///< builds whose reports were read
  build_id last;        ///< the oldest that was looked at; 0: the history's end was reached
};

expected<story_question> question_of(const request& asked) {
  if (auto wrong = unknown_parameter(asked, {"name", "suite", "builder", "before", "limit"}))
    return *wrong;
  story_question out;
  out.test.name = asked.parameter("name").value_or("");
  out.test.suite = asked.parameter("suite").value_or("");
  out.builder = asked.parameter("builder").value_or("");
  if (out.test.name.empty())
    return failure{ec::bad_input, "parameter 'name' is missing: the test's name as its report has "
                                  "it"};
  for (const auto* text : {&out.test.name, &out.test.suite, &out.builder})
    if (text->size() > limits::test_name_bytes_max)
      return failure{ec::bad_input, "a name is longer than "
                                      + std::to_string(limits::test_name_bytes_max) + " bytes"};
  if (auto text = asked.parameter("before")) {
    auto id = build_of(*text);
    if (!id)
      return id.error();
    out.before = *id;
  }
  auto rows =
    number_parameter(asked, "limit", limits::test_story_rows_default, limits::test_story_rows_max);
  if (!rows)
    return rows.error();
  out.rows = std::max<size_t>(1, *rows);
  return out;
}

test_case passed_silently(const core::test_choice& test) {
  test_case out;
  out.name = test.name;
  out.suite = test.suite;
  return out;
}

std::optional<failure> add_runs(const storage::store& store, const build_record& build,
                                const story_question& asked, story_page& page) {
  auto file = storage::read_build_file(store, build.id);
  if (!file)
    return file.error();
  if (!*file)
    return std::nullopt; // removed just now
  for (const auto& step : (*file)->steps) {
    if ((*file)->recipe.steps.at(step.index.value).tests.empty())
      continue;
    auto report = storage::read_test_report(store, build.id, step.index);
    if (!report)
      return report.error();
    if (!*report)
      continue;
    auto found = core::find_test(**report, asked.test);
    // Where passed tests have no names, silence means that it passed, as in `core::compare`.
    if (found.empty() && (*report)->only_failures_named)
      found.push_back(passed_silently(asked.test));
    for (auto& test : found)
      page.runs.push_back({build.id, build.builder, build.host, build.source, build.finished_at,
                           step.name, std::move(test.suite), test.outcome, test.seconds,
                           std::move(test.message)});
  }
  return std::nullopt;
}

expected<story_page> read_page(const storage::store& store, const story_question& asked) {
  story_page page;
  auto builds = storage::list_builds(store, asked.before, limits::test_story_searched_max,
                                     [](const build_record&) { return true; });
  if (!builds)
    return builds.error();
  auto until = steady::now() + limits::test_story_time_max; // one is looked at in any case
  for (const auto& build : *builds) {
    if (page.runs.size() >= asked.rows || page.looked_at >= limits::test_story_builds_max
        || steady::now() >= until)
      return page;
    page.last = build.id;
    if (build.state != build_state::finished
        || (!asked.builder.empty() && build.builder != asked.builder))
      continue;
    ++page.looked_at;
    if (auto problem = add_runs(store, build, asked, page))
      return *problem;
  }
  if (builds->size() < limits::test_story_searched_max)
    page.last = {};
  return page;
}

json json_of(const core::test_run& run) {
  auto out = json::object();
  out["build"] = run.build.value;
  out["builder"] = run.builder;
  out["host"] = text_or_null(run.host.value);
  out["source"] = http::json_of(run.source);
  out["at"] = time_or_null(run.at);
  out["step"] = run.step;
  out["suite"] = run.suite;
  out["outcome"] = std::string{to_string(run.outcome)};
  out["seconds"] = run.seconds < 0 ? json(nullptr) : json(run.seconds);
  out["message"] = text_or_null(run.message);
  return out;
}

} // namespace

answer get_test_story(api_call& call) {
  auto asked = question_of(call.asked);
  if (!asked)
    co_return failure_answer(asked.error());
  auto page = read_page(*call.api.parts.store, *asked);
  if (!page)
    co_return failure_answer(page.error());
  auto story = core::tell_story(page->runs);
  auto out = json::object();
  out["name"] = asked->test.name;
  out["suite"] = text_or_null(asked->test.suite);
  out["builder"] = text_or_null(asked->builder);
  out["text"] = core::story_sentence(story, page->runs);
  out["failing_since"] =
    story.failing_since ? json(page->runs[*story.failing_since].build.value) : json(nullptr);
  out["sources_repeated"] = story.sources_repeated;
  out["sources_flaky"] = story.sources_flaky;
  out["looked_at"] = page->looked_at;
  out["runs"] = json::array();
  for (const auto& run : page->runs)
    out["runs"].push_back(json_of(run));
  out["next"] = page->last.value == 0 ? json(nullptr) : json(page->last.value);
  co_return json_answer(out);
}

} // namespace drover::http
