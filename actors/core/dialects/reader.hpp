#pragma once
// Reads tests' results from a step's output as it comes: `tests: auto`.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/dialects/lines.hpp"
#include "actors/core/dialects/runs.hpp"
#include "schema/test_case.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace drover::core {

/// All dialects listen to one log, and those that recognise their tool report: unittest, doctest,
/// `sage -t`, pytest, ctest, TAP, gtest, cargo, Automake. Several tools one after another all
/// count; one that runs within another's (ctest --output-on-failure) is that one's output and does
/// not. Memory is bounded by schema/limits_tests.hpp whatever comes, and the report does not depend
/// on how the bytes are cut. For one caller at a time; `finish` ends it.
class dialect_reader {
public:
  dialect_reader();
  dialect_reader(dialect_reader&&) = delete;
  ~dialect_reader();

  void feed(std::string_view bytes);
  /// Everything that was recognised; `dialect` is empty if nothing was.
  test_report finish();

private:
  void line(std::string_view text);

  dialects::line_splitter splitter_;
  dialects::keep_budget budget_;
  std::vector<std::unique_ptr<dialects::dialect>> dialects_;
  uint64_t lines_ = 0;
};

/// Adds what another log or report file of the same step told. Bounded as one report is.
void merge(test_report& into, test_report from);

} // namespace drover::core
