#pragma once
// What a dialect makes of a log: runs of its tool, each with its results.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits_tests.hpp"
#include "schema/test_case.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace drover::core::dialects {

/// How much may still be kept, shared by all dialects that listen to one log.
struct keep_budget {
  size_t tests = limits::tests_kept_max;
  size_t bytes = limits::tests_bytes_max;
};

/// One run of one tool: from the first to the last line that it is known by.
struct test_run {
  uint64_t first_line = 0;
  uint64_t last_line = 0;
  test_report report;
};

/// Collects a dialect's runs within a budget. What is not kept is still counted.
class run_recorder {
public:
  run_recorder(std::string_view dialect, keep_budget& budget)
      : dialect_{dialect}, budget_{&budget} {}

  bool is_open() const { return is_open_; }
  /// The run is known to go from or to this line. Opens one if none is open.
  void touch(uint64_t line);
  /// Ends the open run, if any.
  void close();
  /// Forgets the open run: it was none.
  void drop();

  /// Counts a test of the open run and keeps it if there is room.
  void add(test_case test);
  /// Counts tests that have no names.
  void count(test_outcome outcome, uint64_t how_many);
  /// Gives a kept test of that name and outcome that has no message this one; false if there is
  /// none.
  bool explain(const test_case& test);
  void note(std::string text);
  void set_summary(tool_summary summary);
  void only_failures_are_named() { run().report.only_failures_named = true; }

  /// The open run; there must be one.
  test_run& run() { return runs_.back(); }
  const test_counts& counts() const { return runs_.back().report.counts; }

  std::vector<test_run> take();

private:
  void forget_texts(const test_report& report);

  std::string dialect_;
  keep_budget* budget_;
  std::vector<test_run> runs_;
  /// Failed and unexplained tests of the open run by what they are called.
  std::unordered_multimap<std::string, size_t> unexplained_;
  bool is_open_ = false;
  bool is_merged_ = false; ///< there were too many runs: the last one takes all that follows
};

/// One tool's way to print results. Is given every line of a log in order.
class dialect {
public:
  virtual ~dialect() = default;
  virtual void line(std::string_view text, uint64_t number) = 0;
  /// The log has ended.
  virtual void end() = 0;
  /// After `end`: all that was recognised.
  virtual std::vector<test_run> runs() = 0;
};

std::unique_ptr<dialect> make_unittest(keep_budget& budget);
std::unique_ptr<dialect> make_doctest(keep_budget& budget);
std::unique_ptr<dialect> make_sage(keep_budget& budget);
std::unique_ptr<dialect> make_pytest(keep_budget& budget);
std::unique_ptr<dialect> make_ctest(keep_budget& budget);
std::unique_ptr<dialect> make_tap(keep_budget& budget);
std::unique_ptr<dialect> make_gtest(keep_budget& budget);
std::unique_ptr<dialect> make_cargo(keep_budget& budget);
std::unique_ptr<dialect> make_automake(keep_budget& budget);

} // namespace drover::core::dialects
