// Python's unittest, from 2.7 on, with -v; without -v what failed and the counts.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"
#include "actors/core/dialects/unittest_text.hpp"

#include <algorithm>
#include <utility>

namespace drover::core::dialects {

namespace {

class unittest_dialect final : public dialect {
public:
  explicit unittest_dialect(keep_budget& budget) : runs_{"unittest", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  enum class phase : uint8_t { results, block_head, block_title, block_body, after_ran };

  void result_line(std::string_view text);
  void block_line(std::string_view text);
  void begin(described_test test, std::string_view rest);
  void take_rest(std::string_view rest);
  void settle(const verdict& found);
  /// The test that has begun gets no verdict line any more. False if it has none at all.
  bool give_up_pending();
  void begin_block(std::string_view title);
  void finish_block();
  void ran(std::string_view text);
  void finish(std::string_view text);
  void reset();

  run_recorder runs_;
  phase phase_ = phase::results;
  uint64_t number_ = 0;
  described_test candidate_; ///< a line that may be a test's, its docstring follows
  described_test pending_;   ///< has begun, no verdict yet
  std::string pending_end_;  ///< the last that was printed since
  described_test last_;      ///< the last that got a verdict
  uint64_t begun_ = 0;       ///< tests, without subtests
  uint64_t unnamed_skips_ = 0;
  std::string dots_; ///< the last line that may be the results without -v
  bool has_verdicts_ = false;
  test_case block_;
  excerpt block_text_;
  bool dash_held_ = false; ///< a line of dashes that may be the block's end
  uint64_t ran_ = 0;
};

void unittest_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  if (text.starts_with("Ran ") && runs_test_count(text)) {
    ran(text);
    return;
  }
  if (phase_ == phase::after_ran) {
    if (trimmed(text).empty())
      return;
    if (is_closing_line(text)) {
      finish(text);
      return;
    }
    finish({}); // the last line is missing, and this one is somebody else's
  }
  if (is_line_of(text, '=', 70)) {
    give_up_pending();
    finish_block();
    phase_ = phase::block_head;
    return;
  }
  if (is_dots(text))
    dots_ = text;
  if (phase_ == phase::results)
    result_line(text);
  else
    block_line(text);
}

void unittest_dialect::result_line(std::string_view text) {
  if (auto found = verdict_of(text)) {
    if (!pending_.name.empty())
      settle(*found);
    else if (found->outcome == test_outcome::skipped)
      ++unnamed_skips_; // a whole class or module, up to Python 3.10
    return;
  }
  auto candidate = std::exchange(candidate_, {});
  if (!candidate.name.empty()) {
    auto dots = text.find(" ... ");
    bool is_docstring = candidate.is_certain || text.starts_with("Doctest: ");
    if (is_docstring && (dots != std::string_view::npos || text.ends_with(" ..."))) {
      begin(std::move(candidate), dots == std::string_view::npos ? "" : text.substr(dots + 5));
      return;
    }
  }
  if (auto start = find_start(text, runs_.is_open())) {
    begin(std::move(start->test), start->rest);
    return;
  }
  if (auto whole = parse_description(text))
    candidate_ = std::move(*whole);
  if (!pending_.name.empty() && !trimmed(text).empty())
    pending_end_ = text.substr(text.size() - std::min<size_t>(text.size(), 200));
}

void unittest_dialect::begin(described_test test, std::string_view rest) {
  bool is_same = test.name == pending_.name && test.suite == pending_.suite;
  if (!is_same)
    give_up_pending();
  // A failure of a test's cleanup, or output in between, repeats its line.
  bool is_again = is_same || (test.name == last_.name && test.suite == last_.suite);
  runs_.touch(number_);
  if (!test.is_subtest && !is_again)
    ++begun_;
  pending_ = std::move(test);
  pending_end_.clear();
  take_rest(rest);
}

void unittest_dialect::take_rest(std::string_view rest) {
  if (auto found = verdict_of(trimmed(rest))) {
    settle(*found);
    return;
  }
  // Up to Python 3.10 a test whose subtests failed gets no verdict and no line's end.
  if (auto start = find_start(rest, true)) {
    begin(std::move(start->test), start->rest);
    return;
  }
  pending_end_ = rest.substr(rest.size() - std::min<size_t>(rest.size(), 200));
}

void unittest_dialect::settle(const verdict& found) {
  runs_.touch(number_);
  has_verdicts_ = true;
  test_case test;
  test.name = pending_.name;
  test.suite = pending_.suite;
  test.outcome = found.outcome;
  test.message = found.message;
  runs_.add(std::move(test));
  last_ = std::exchange(pending_, {});
  pending_end_.clear();
}

bool unittest_dialect::give_up_pending() {
  if (pending_.name.empty())
    return true;
  // What it printed without a line's end stands before its verdict.
  if (auto found = verdict_at_end(pending_end_)) {
    settle(*found);
    return true;
  }
  last_ = std::exchange(pending_, {});
  return false;
}

void unittest_dialect::block_line(std::string_view text) {
  switch (phase_) {
  case phase::block_head:
    phase_ = phase::results;
    begin_block(text);
    if (phase_ == phase::results)
      result_line(text);
    return;
  case phase::block_title: // the docstring's first line comes before the dashes
    if (is_line_of(text, '-', 70))
      phase_ = phase::block_body;
    return;
  case phase::block_body:
    if (std::exchange(dash_held_, is_line_of(text, '-', 70)))
      block_text_.add(std::string(70, '-'));
    if (!dash_held_)
      block_text_.add(text);
    return;
  default:
    return;
  }
}

void unittest_dialect::begin_block(std::string_view title) {
  auto outcome = take(title, "FAIL: ")                 ? test_outcome::failed
                 : take(title, "ERROR: ")              ? test_outcome::error
                 : take(title, "UNEXPECTED SUCCESS: ") ? test_outcome::failed
                                                       : test_outcome::passed;
  if (outcome == test_outcome::passed)
    return; // somebody else's line of "="
  block_ = {};
  auto described = parse_description(title);
  if (!described && !runs_.is_open())
    return;
  block_.name = described ? described->name : std::string{title};
  block_.suite = described ? described->suite : "";
  block_.outcome = outcome;
  runs_.touch(number_);
  phase_ = phase::block_title;
}

void unittest_dialect::finish_block() {
  dash_held_ = false;
  if (block_.name.empty())
    return;
  auto test = std::exchange(block_, {});
  test.message = block_text_.text();
  block_text_.clear();
  // Failed subtests of old Pythons, and everything without -v, are told here alone.
  bool is_known = runs_.explain(test) || test.message.empty();
  if (!is_known || !has_verdicts_)
    runs_.add(std::move(test));
}

void unittest_dialect::ran(std::string_view text) {
  give_up_pending();
  finish_block();
  runs_.touch(number_);
  ran_ = runs_test_count(text).value_or(0);
  phase_ = phase::after_ran;
}

void unittest_dialect::finish(std::string_view text) {
  if (!text.empty())
    runs_.touch(number_);
  auto said = closing_counts(text);
  tool_summary summary;
  summary.ran = ran_;
  summary.failures = said.failures + said.unexpected_successes;
  summary.errors = said.errors;
  summary.skipped = said.skipped;
  test_counts wanted;
  wanted[test_outcome::failed] = summary.failures;
  wanted[test_outcome::error] = said.errors;
  wanted[test_outcome::skipped] = said.skipped;
  wanted[test_outcome::expected_failure] = said.expected_failures;
  auto others = wanted.total();
  if (!has_verdicts_ && ran_ > 0) {
    // Without -v. Failures of subtests and of classes are not among the tests that ran, so that
    // the dots know better how many passed.
    auto dots = dots_passed(dots_, wanted, said.unexpected_successes);
    wanted[test_outcome::passed] = dots.value_or(ran_ > others ? ran_ - others : 0);
    for (size_t i = 0; i < wanted.by_outcome.size(); ++i) {
      auto outcome = static_cast<test_outcome>(i);
      auto seen = runs_.counts()[outcome];
      runs_.count(outcome, wanted[outcome] > seen ? wanted[outcome] - seen : 0);
    }
    runs_.only_failures_are_named();
    runs_.note("unittest without -v: passed tests have no names");
  } else if (!text.empty()) {
    wanted[test_outcome::passed] = runs_.counts()[test_outcome::passed];
    auto skips = runs_.counts()[test_outcome::skipped];
    if (said.skipped > skips)
      runs_.count(test_outcome::skipped, std::min(said.skipped - skips, unnamed_skips_));
    if (wanted != runs_.counts() || ran_ > begun_)
      runs_.note("unittest says " + std::string{trimmed(text)} + " of " + std::to_string(ran_)
                 + " tests, " + std::to_string(begun_) + " were seen, "
                 + std::to_string(runs_.counts().failures()) + " of them failed");
  }
  runs_.set_summary(std::move(summary));
  runs_.close();
  reset();
}

void unittest_dialect::reset() {
  phase_ = phase::results;
  candidate_ = pending_ = last_ = {};
  begun_ = unnamed_skips_ = 0;
  dots_.clear();
  has_verdicts_ = false;
}

void unittest_dialect::end() {
  if (phase_ == phase::after_ran) {
    finish({});
    return;
  }
  bool is_cut_short = !give_up_pending();
  finish_block();
  if (is_cut_short) {
    test_case test;
    test.name = last_.name;
    test.suite = last_.suite;
    test.outcome = test_outcome::error;
    test.message = "the output ends within this test";
    runs_.add(std::move(test));
  }
  if (runs_.is_open())
    runs_.note("unittest did not come to its end");
  runs_.close();
}

} // namespace

std::unique_ptr<dialect> make_unittest(keep_budget& budget) {
  return std::make_unique<unittest_dialect>(budget);
}

} // namespace drover::core::dialects
