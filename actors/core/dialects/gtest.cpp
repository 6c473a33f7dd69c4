// GoogleTest's own lines.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <utility>

namespace drover::core::dialects {

namespace {

class gtest_dialect final : public dialect {
public:
  explicit gtest_dialect(keep_budget& budget) : runs_{"gtest", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  void bar_line(std::string_view text);
  void begin(std::string_view name);
  void settle(std::string_view text, test_outcome outcome);
  void add(std::string_view name, test_outcome outcome, double seconds);

  run_recorder runs_;
  std::string running_;
  excerpt output_;
  uint64_t number_ = 0;
};

void gtest_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  auto rest = text;
  if (take(rest, "[==========] ")) {
    bar_line(rest);
    return;
  }
  if (!runs_.is_open())
    return;
  if (take(rest, "[ RUN      ] "))
    begin(rest);
  else if (take(rest, "[ DISABLED ] "))
    add(rest, test_outcome::skipped, -1);
  else if (auto at = text.find("[       OK ] "); at != std::string_view::npos)
    settle(text.substr(at + 13), test_outcome::passed);
  else if (at = text.find("[  FAILED  ] "); at != std::string_view::npos)
    settle(text.substr(at + 13), test_outcome::failed);
  else if (at = text.find("[  SKIPPED ] "); at != std::string_view::npos)
    settle(text.substr(at + 13), test_outcome::skipped);
  else if (!running_.empty())
    output_.add(text);
}

/// "Running 5 tests from 2 test suites.", "5 tests from 2 test suites ran. (0 ms total)"
void gtest_dialect::bar_line(std::string_view text) {
  if (take(text, "Running ")) {
    if (!take_number(text))
      return;
    end();
    runs_.touch(number_);
    return;
  }
  auto ran = take_number(text);
  if (!ran || text.find(" ran.") == std::string_view::npos || !runs_.is_open())
    return;
  runs_.touch(number_);
  const auto& counts = runs_.counts();
  tool_summary summary;
  summary.ran = *ran;
  summary.failures = counts[test_outcome::failed];
  summary.skipped = counts[test_outcome::skipped];
  // Disabled tests are not among those that ran.
  if (*ran > counts.total())
    runs_.note("gtest says " + std::to_string(*ran) + " tests ran, "
               + std::to_string(counts.total()) + " were seen");
  runs_.set_summary(std::move(summary));
  runs_.close();
  running_.clear();
}

void gtest_dialect::begin(std::string_view name) {
  runs_.touch(number_);
  if (!running_.empty())
    add(std::exchange(running_, {}), test_outcome::error, -1);
  running_ = name;
  output_.clear();
}

/// "Suite.Test (0 ms)", "Suite.Test, where GetParam() = 2 (0 ms)"
void gtest_dialect::settle(std::string_view text, test_outcome outcome) {
  auto open = text.rfind(" (");
  if (running_.empty() || open == std::string_view::npos || !text.ends_with(" ms)")
      || !text.starts_with(running_))
    return;
  auto ms = seconds_of(text.substr(open + 2, text.size() - open - 6));
  add(std::exchange(running_, {}), outcome, ms < 0 ? -1 : ms / 1000);
}

void gtest_dialect::add(std::string_view name, test_outcome outcome, double seconds) {
  runs_.touch(number_);
  test_case test;
  auto dot = name.find('.');
  test.suite = dot == std::string_view::npos ? "" : name.substr(0, dot);
  test.name = dot == std::string_view::npos ? name : name.substr(dot + 1);
  test.outcome = outcome;
  test.seconds = seconds;
  if (outcome != test_outcome::passed)
    test.message = output_.text();
  if (outcome == test_outcome::error)
    test.message = "no verdict was printed\n" + test.message;
  output_.clear();
  runs_.add(std::move(test));
}

void gtest_dialect::end() {
  if (!runs_.is_open())
    return;
  if (!running_.empty())
    add(std::exchange(running_, {}), test_outcome::error, -1);
  runs_.note("gtest did not come to its end");
  runs_.close();
}

} // namespace

std::unique_ptr<dialect> make_gtest(keep_budget& budget) {
  return std::make_unique<gtest_dialect>(budget);
}

} // namespace drover::core::dialects
