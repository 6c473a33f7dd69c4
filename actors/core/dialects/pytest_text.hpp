#pragma once
// How pytest writes tests, verdicts and its last line. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/test_case.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace drover::core::dialects {

struct pytest_result {
  std::string node; ///< "dir/test_a.py::Class::test_x[1]"; empty: several tests
  test_outcome outcome = test_outcome::passed;
  std::string message;
  bool is_rerun = false; ///< it failed and runs again: no verdict yet
};

struct pytest_counts {
  test_counts counts;
};

/// "node PASSED [ 50%]", and pytest-xdist's "[gw0] [ 50%] PASSED node".
std::optional<pytest_result> parse_verbose_line(std::string_view text);
/// A verdict at a line's end, behind what the test printed (-s); the node is left empty.
std::optional<pytest_result> parse_verdict_end(std::string_view text);
/// The node that a -v line begins with, or nothing.
std::string node_at_start(std::string_view text);
/// "FAILED node - message" of the short summary.
std::optional<pytest_result> parse_short_line(std::string_view text);
/// "== 1 failed, 2 passed in 0.12s ==", with or without its frame.
std::optional<pytest_counts> parse_last_line(std::string_view text);

/// Name and suite of a node, as pytest's own JUnit XML has them: "dir.test_a.Class".
test_case test_of_node(std::string_view node);

} // namespace drover::core::dialects
