// SPDX-License-Identifier: Apache-2.0
#include "actors/core/test_story.hpp"

#include "actors/core/explain/words.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <map>

namespace drover::core {

namespace {

bool says_something(const test_run& run) {
  return run.outcome != test_outcome::skipped;
}

std::string source_key(const test_run& run) {
  return run.builder + '\n' + run.source.id + '\n' + run.source.sha256 + '\n' + run.source.revision;
}

bool is_worse(test_outcome a, test_outcome b) {
  auto rank = [](test_outcome outcome) {
    return is_failure(outcome) ? 2 : outcome == test_outcome::skipped ? 0 : 1;
  };
  return rank(a) > rank(b);
}

} // namespace

std::vector<test_case> find_test(const test_report& report, const test_choice& wanted) {
  std::vector<test_case> found;
  for (const auto& test : report.tests) {
    if (test.name != wanted.name || (!wanted.suite.empty() && test.suite != wanted.suite))
      continue;
    auto same = std::find_if(found.begin(), found.end(),
                             [&](const test_case& other) { return other.suite == test.suite; });
    if (same == found.end())
      found.push_back(test);
    else if (is_worse(test.outcome, same->outcome))
      *same = test;
  }
  return found;
}

test_story tell_story(const std::vector<test_run>& runs) {
  struct both {
    uint64_t runs = 0;
    bool passed = false, failed = false;
  };
  std::map<std::string, both> sources;
  test_story story;
  bool still_failing = true;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto& run = runs[i];
    if (!says_something(run))
      continue;
    bool failed = is_failure(run.outcome);
    still_failing = still_failing && failed;
    if (still_failing)
      story.failing_since = i;
    auto& seen = sources[source_key(run)];
    ++seen.runs;
    (failed ? seen.failed : seen.passed) = true;
  }
  story.fails_as_far_as_seen = story.failing_since && still_failing;
  for (const auto& [key, seen] : sources) {
    story.sources_repeated += seen.runs > 1 ? 1 : 0;
    story.sources_flaky += seen.passed && seen.failed ? 1 : 0;
  }
  return story;
}

std::string story_sentence(const test_story& story, const std::vector<test_run>& runs) {
  auto newest = std::find_if(runs.begin(), runs.end(), says_something);
  std::string text;
  if (newest == runs.end())
    text = "it did not run in the builds that were looked at";
  else if (story.failing_since) {
    const auto& since = runs[*story.failing_since];
    text = "it fails since build " + to_string(since.build) + " (" + moment(since.at) + ")"
           + (story.fails_as_far_as_seen ? ", the oldest that was looked at, or longer" : "");
  } else
    text = "it passes, last in build " + to_string(newest->build);
  if (story.sources_flaky > 0)
    text += "; flaky: it both passed and failed on " + std::to_string(story.sources_flaky) + " of "
            + counted(story.sources_repeated, "source") + " that it ran on more than once";
  return text;
}

} // namespace drover::core
