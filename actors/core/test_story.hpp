#pragma once
// One test over many builds: since when it fails, how often it is neither here nor there. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "schema/test_case.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drover::core {

/// What a test said in one build.
struct test_run {
  build_id build;
  std::string builder;
  host_name host;
  source_ref source;
  wall_time at; ///< when the build ended
  std::string step;
  std::string suite;
  test_outcome outcome = test_outcome::passed;
  double seconds = -1; ///< below 0: not known
  std::string message;
};

/// Which test is meant; an empty suite: of any.
struct test_choice {
  std::string name;
  std::string suite;
};

/// What the report says of the test, the worst of several results of one suite; of several suites
/// one each, in their order. Nothing where it is not named.
std::vector<test_case> find_test(const test_report& report, const test_choice& wanted);

struct test_story {
  std::optional<size_t>
    failing_since;                   ///< the oldest run of those that fail up to now; by its place
  bool fails_as_far_as_seen = false; ///< no run before that one was seen
  uint64_t sources_repeated = 0;     ///< sources that it ran on more than once
  uint64_t sources_flaky = 0;        ///< of these: it both passed and failed
  friend bool operator==(const test_story&, const test_story&) = default;
};

/// `runs`: newest first. Skipped runs say nothing either way.
test_story tell_story(const std::vector<test_run>& runs);

/// "fails since build 7 (2026-01-31 12:00:01 UTC) ...": one sentence.
std::string story_sentence(const test_story& story, const std::vector<test_run>& runs);

} // namespace drover::core
