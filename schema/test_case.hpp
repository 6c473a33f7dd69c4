#pragma once
// Results of tests, as read from a step's output or from its report files.
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// The numbers are stored and never reused.
enum class test_outcome : uint8_t {
  passed = 0,
  failed = 1,           ///< it said so, or it passed where it must not
  error = 2,            ///< it could not say: an exception, a crash, a time-out
  skipped = 3,          ///< not run, by its own will or somebody's setting
  expected_failure = 4, ///< known not to work, and it does not
};

inline constexpr std::array<std::string_view, 5> test_outcome_names{"passed", "failed", "error",
                                                                    "skipped", "expected_failure"};

constexpr std::string_view to_string(test_outcome outcome) {
  return test_outcome_names[static_cast<size_t>(outcome)];
}

constexpr std::optional<test_outcome> parse_test_outcome(std::string_view text) {
  for (size_t i = 0; i < test_outcome_names.size(); ++i)
    if (test_outcome_names[i] == text)
      return static_cast<test_outcome>(i);
  return std::nullopt;
}

/// Whether it makes a suite red.
constexpr bool is_failure(test_outcome outcome) {
  return outcome == test_outcome::failed || outcome == test_outcome::error;
}

/// All texts are valid UTF-8 without control characters but line ends and tabs, and are bounded by
/// schema/limits_tests.hpp.
struct test_case {
  std::string name;
  std::string suite; ///< class, module or file that the test belongs to; may be empty
  test_outcome outcome = test_outcome::passed;
  double seconds = -1; ///< below 0: not known
  std::string message; ///< why it failed or was skipped: some lines
  std::string file;    ///< empty: not known
  uint32_t line = 0;   ///< 0: not known
  friend bool operator==(const test_case&, const test_case&) = default;
};

/// How many tests ended how.
struct test_counts {
  std::array<uint64_t, test_outcome_names.size()> by_outcome{};

  uint64_t& operator[](test_outcome outcome) { return by_outcome[static_cast<size_t>(outcome)]; }
  uint64_t operator[](test_outcome outcome) const {
    return by_outcome[static_cast<size_t>(outcome)];
  }
  uint64_t total() const {
    uint64_t sum = 0;
    for (uint64_t count : by_outcome)
      sum += count;
    return sum;
  }
  uint64_t failures() const { return (*this)[test_outcome::failed] + (*this)[test_outcome::error]; }
  friend bool operator==(const test_counts&, const test_counts&) = default;
};

/// What a tool printed at its end, in its own way of counting: doctest and `sage -t` count
/// examples, ctest counts errors as failures.
struct tool_summary {
  std::string dialect;
  uint64_t ran = 0;
  uint64_t failures = 0;
  uint64_t errors = 0;
  uint64_t skipped = 0;
  friend bool operator==(const tool_summary&, const tool_summary&) = default;
};

/// Everything that was read from one log or one report file.
struct test_report {
  std::string dialect; ///< "unittest", "junit", "unittest, ctest"; empty: no tests were recognised
  std::vector<test_case> tests;        ///< in the order of their ends
  test_counts counts;                  ///< of all tests, those that are not in `tests` too
  std::vector<tool_summary> summaries; ///< one for each tool's run that came to its end
  std::vector<std::string> notes;      ///< one line each: "unittest says 12 tests, 11 were seen"
  bool truncated = false;              ///< some results are counted, but not kept
  bool only_failures_named = false;    ///< some passed tests have no names: their tool printed none
  friend bool operator==(const test_report&, const test_report&) = default;
};

} // namespace drover
