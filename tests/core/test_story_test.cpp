// One test over many builds.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/test_story.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

test_run run(uint64_t build, test_outcome outcome, const std::string& revision = "") {
  test_run out;
  out.build = {build};
  out.builder = "check";
  out.at = {1'769'860'800'000};
  out.outcome = outcome;
  out.source.revision = revision.empty() ? "r" + std::to_string(build) : revision;
  return out;
}

test_case result_of(std::string suite, std::string name, test_outcome outcome) {
  test_case out;
  out.suite = std::move(suite);
  out.name = std::move(name);
  out.outcome = outcome;
  return out;
}

constexpr auto passed = test_outcome::passed;
constexpr auto failed = test_outcome::failed;
constexpr auto skipped = test_outcome::skipped;

} // namespace

TEST_CASE("test story: it fails since the oldest run that is not behind a pass") {
  std::vector<test_run> runs{run(9, failed), run(8, failed), run(7, passed), run(6, failed)};
  auto story = tell_story(runs);
  CHECK(story.failing_since == 1);
  CHECK_FALSE(story.fails_as_far_as_seen);
  CHECK(story_sentence(story, runs) == "it fails since build 8 (2026-01-31 12:00:00 UTC)");
}

TEST_CASE("test story: a skipped run neither breaks nor begins a row of failures") {
  auto story = tell_story({run(9, skipped), run(8, failed), run(7, skipped), run(6, failed)});
  CHECK(story.failing_since == 3);
  CHECK(story.fails_as_far_as_seen);
}

TEST_CASE("test story: what passes last fails since never") {
  std::vector<test_run> runs{run(9, passed), run(8, failed)};
  CHECK_FALSE(tell_story(runs).failing_since);
  CHECK(story_sentence(tell_story(runs), runs) == "it passes, last in build 9");
}

TEST_CASE("test story: passes and failures on the same source are flaky") {
  std::vector<test_run> runs{run(9, failed, "a"), run(8, passed, "a"), run(7, passed, "b"),
                             run(6, passed, "b"), run(5, failed, "c")};
  auto story = tell_story(runs);
  CHECK(story.sources_repeated == 2);
  CHECK(story.sources_flaky == 1);
  CHECK(story_sentence(story, runs).find("flaky: it both passed and failed on 1 of 2 sources")
        != std::string::npos);
}

TEST_CASE("test story: of a build without runs nothing is told but that") {
  CHECK(tell_story({}) == test_story{});
  CHECK(story_sentence({}, {}) == "it did not run in the builds that were looked at");
}

TEST_CASE("test story: a test is found by name, in each suite once with its worst result") {
  test_report report;
  report.tests = {result_of("A", "x", passed), result_of("A", "x", failed),
                  result_of("B", "x", passed), result_of("A", "y", passed)};
  auto all = find_test(report, {"x", ""});
  REQUIRE(all.size() == 2);
  CHECK(all[0].outcome == failed);
  CHECK(find_test(report, {"x", "B"}).size() == 1);
  CHECK(find_test(report, {"z", ""}).empty());
}
