// Python's doctest: with -v each example, without it only what failed.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/python_failure.hpp"
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <algorithm>
#include <utility>

namespace drover::core::dialects {

namespace {

class doctest_dialect final : public dialect {
public:
  explicit doctest_dialect(keep_budget& budget) : runs_{"doctest", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  enum class phase : uint8_t { outside, source, expecting, failure, items };
  enum class list : uint8_t { none, passed, failed };

  struct item {
    std::string name;
    uint64_t examples = 0;
  };

  bool is_heading(std::string_view text);
  bool is_closing(std::string_view text);
  void item_line(std::string_view text);
  void add_example(test_outcome outcome);
  void finish_failure();
  void finish();
  /// Examples that passed print no item: the list at the end tells how many each has.
  void name_suites();

  run_recorder runs_;
  phase phase_ = phase::outside;
  list list_ = list::none;
  uint64_t number_ = 0;
  bool after_stars_ = false;
  bool is_verbose_ = false;
  std::string source_;
  failure_block failure_;
  std::vector<item> items_;
  tool_summary said_;
  bool is_counted_ = false; ///< "N tests in M items" was there
};

void doctest_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  bool after_stars = std::exchange(after_stars_, is_line_of(text, '*', 70));
  if (after_stars_) {
    finish_failure();
    return;
  }
  if (after_stars && failure_.begin(text)) {
    phase_ = phase::failure;
    return;
  }
  if (text == "Trying:") {
    finish_failure();
    runs_.touch(number_);
    is_verbose_ = true;
    source_.clear();
    phase_ = phase::source;
    return;
  }
  if (is_heading(text) || is_closing(text))
    return;
  if (phase_ == phase::failure) {
    failure_.add(text);
    if (failure_.is_confirmed())
      runs_.touch(number_);
  } else if (phase_ == phase::source) {
    if (text == "Expecting:" || text == "Expecting nothing")
      phase_ = phase::expecting;
    else if (source_.empty())
      source_ = trimmed(text);
    else if (!source_.ends_with(" ..."))
      source_ += " ...";
  } else if (phase_ == phase::expecting && text == "ok") {
    add_example(test_outcome::passed);
  } else if (phase_ == phase::items) {
    item_line(text);
  }
}

bool doctest_dialect::is_heading(std::string_view text) {
  if (!runs_.is_open() && phase_ != phase::failure)
    return false;
  auto rest = text;
  if (!take_number(rest) || !(take(rest, " items ") || take(rest, " item ")))
    return false;
  list_ = rest == "passed all tests:" ? list::passed
          : rest == "had failures:"   ? list::failed
                                      : list::none;
  if (list_ == list::none && rest != "had no tests:")
    return false;
  finish_failure();
  phase_ = phase::items;
  return true;
}

void doctest_dialect::item_line(std::string_view text) {
  text = trimmed(text);
  auto first = take_number(text);
  if (!first || list_ == list::none || items_.size() >= limits::tests_kept_max)
    return;
  auto examples = first;
  if (take(text, " of ")) {
    text = trimmed(text);
    examples = take_number(text);
  } else if (!take(text, " tests") && !take(text, " test")) {
    return;
  }
  if (!examples || !take(text, " in "))
    return;
  runs_.touch(number_);
  if (!is_counted_)
    said_.ran += *examples;
  items_.push_back({std::string{text.substr(0, limits::test_name_bytes_max)}, *examples});
}

bool doctest_dialect::is_closing(std::string_view text) {
  if (!runs_.is_open())
    return false;
  auto rest = text;
  if (take(rest, "***Test Failed*** ")) {
    runs_.touch(number_);
    said_.failures = take_number(rest).value_or(0);
    finish();
    return true;
  }
  if (phase_ != phase::items && text != "Test passed.")
    return false;
  if (text == "Test passed.") {
    runs_.touch(number_);
    finish();
    return true;
  }
  auto count = take_number(rest);
  if (!count || !(take(rest, " tests in ") || take(rest, " test in ")) || !take_number(rest)
      || !rest.starts_with(" item"))
    return false;
  runs_.touch(number_);
  said_.ran = *count;
  is_counted_ = true;
  return true;
}

void doctest_dialect::add_example(test_outcome outcome) {
  runs_.touch(number_);
  test_case test;
  test.outcome = outcome;
  if (outcome == test_outcome::passed) {
    test.name = source_;
  } else {
    test.name = failure_.source();
    test.suite = failure_.item();
    test.file = failure_.file();
    test.line = failure_.line();
    test.message = failure_.message();
  }
  runs_.add(std::move(test));
  phase_ = phase::outside;
}

void doctest_dialect::finish_failure() {
  if (phase_ != phase::failure)
    return;
  if (failure_.is_confirmed())
    add_example(test_outcome::failed);
  failure_.clear();
  phase_ = phase::outside;
}

void doctest_dialect::name_suites() {
  auto& tests = runs_.run().report.tests;
  // doctest runs items by their names' order, and lists them in groups.
  std::stable_sort(items_.begin(), items_.end(),
                   [](const item& a, const item& b) { return a.name < b.name; });
  uint64_t sum = 0;
  for (const auto& one : items_)
    sum += std::min<uint64_t>(one.examples, limits::tests_kept_max + 1);
  if (sum != tests.size())
    return;
  size_t at = 0;
  auto named = tests;
  for (const auto& one : items_)
    for (uint64_t i = 0; i < one.examples; ++i, ++at) {
      if (!tests[at].suite.empty() && tests[at].suite != one.name)
        return; // another order: better no names than wrong ones
      named[at].suite = clean_text(one.name, limits::test_name_bytes_max);
    }
  tests = std::move(named);
}

void doctest_dialect::finish() {
  finish_failure();
  const auto& counts = runs_.counts();
  if (is_verbose_) {
    name_suites();
    if (said_.ran != counts.total() || said_.failures != counts.failures())
      runs_.note("doctest says " + std::to_string(said_.ran) + " tests and "
                 + std::to_string(said_.failures) + " failures, " + std::to_string(counts.total())
                 + " and " + std::to_string(counts.failures()) + " were seen");
  } else {
    runs_.only_failures_are_named();
    runs_.note("doctest without -v: only failures are told");
    if (said_.failures != counts.failures())
      runs_.note("doctest says " + std::to_string(said_.failures) + " failures, "
                 + std::to_string(counts.failures()) + " were seen");
  }
  runs_.set_summary(std::exchange(said_, {}));
  runs_.close();
  items_.clear();
  is_verbose_ = is_counted_ = false;
  phase_ = phase::outside;
}

void doctest_dialect::end() {
  finish_failure();
  if (!runs_.is_open())
    return;
  if (!is_verbose_)
    runs_.only_failures_are_named();
  if (phase_ == phase::source || phase_ == phase::expecting) {
    test_case test;
    test.name = source_;
    test.outcome = test_outcome::error;
    test.message = "the output ends within this example";
    runs_.add(std::move(test));
  }
  runs_.note("doctest did not come to its end");
  runs_.close();
}

} // namespace

std::unique_ptr<dialect> make_doctest(keep_budget& budget) {
  return std::make_unique<doctest_dialect>(budget);
}

} // namespace drover::core::dialects
