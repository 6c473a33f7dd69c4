#pragma once
// How Python's unittest writes tests, verdicts and its last lines. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/test_case.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::core::dialects {

/// "test_x (module.Class.test_x)", as all Pythons call it: name "test_x", suite "module.Class".
/// A subtest's name goes on: "test_x [message] (i=1)".
struct described_test {
  std::string name; ///< empty: none
  std::string suite;
  bool is_subtest = false;
  bool is_certain = false; ///< no other program's line looks like this
};

struct verdict {
  test_outcome outcome = test_outcome::passed;
  std::string message;
};

struct test_start {
  described_test test;
  std::string_view rest; ///< what stands behind " ... "
};

struct unittest_counts {
  uint64_t failures = 0;
  uint64_t errors = 0;
  uint64_t skipped = 0;
  uint64_t expected_failures = 0;
  uint64_t unexpected_successes = 0;
};

std::optional<described_test> parse_description(std::string_view text);

/// The verdict that `text` is.
std::optional<verdict> verdict_of(std::string_view text);
/// The verdict that `text` ends with: the test printed without a line's end.
std::optional<verdict> verdict_at_end(std::string_view text);

/// A test's beginning in a line; what stands before it is the output of others, which is looked
/// for only if `in_run`.
std::optional<test_start> find_start(std::string_view text, bool in_run);

/// Whether the line may be results without -v: ".F.s".
bool is_dots(std::string_view text);
/// How many tests passed by that line, if all else in it fits what is wanted.
std::optional<uint64_t> dots_passed(std::string_view dots, const test_counts& wanted,
                                    uint64_t unexpected_successes);

/// N of "Ran N tests in 0.1s".
std::optional<uint64_t> runs_test_count(std::string_view text);
/// Whether this is the last line: "OK", "FAILED (failures=1)", "NO TESTS RAN".
bool is_closing_line(std::string_view text);
unittest_counts closing_counts(std::string_view text);

} // namespace drover::core::dialects
