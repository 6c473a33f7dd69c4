#pragma once
// New against known failures: what a build's tests say next to those of the build before. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/test_case.hpp"

#include <compare>
#include <string>
#include <vector>

namespace drover::core {

/// What a test is known by from build to build.
struct test_key {
  std::string suite;
  std::string name;
  friend auto operator<=>(const test_key&, const test_key&) = default;
};

/// Each list is sorted and names a test once.
struct test_changes {
  std::vector<test_key> new_failures;  ///< fails now and did not before, or was not there
  std::vector<test_key> still_failing; ///< failed before as well
  std::vector<test_key> fixed;         ///< failed before, passes now
  std::vector<test_key> missing;       ///< ran before; now skipped, or not there at all
  friend bool operator==(const test_changes&, const test_changes&) = default;
};

/// Compares by suite and name. Of results that share a name the worst one counts. Where `now` does
/// not name all its tests (`only_failures_named`, `truncated`), silence means that a test passed:
/// then nothing is called missing but what was skipped.
test_changes compare(const test_report& before, const test_report& now);

} // namespace drover::core
