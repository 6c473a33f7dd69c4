// `make check` of Automake, its parallel harness (one "# TOTAL:" block a folder) and the old one.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <array>
#include <utility>

namespace drover::core::dialects {

namespace {

struct automake_word {
  std::string_view text;
  test_outcome outcome;
  std::string_view message;
};

constexpr std::array<automake_word, 6> words{{
  {"PASS: ", test_outcome::passed, ""},
  {"FAIL: ", test_outcome::failed, ""},
  {"XFAIL: ", test_outcome::expected_failure, ""},
  {"XPASS: ", test_outcome::failed, "passed, but was expected to fail"},
  {"SKIP: ", test_outcome::skipped, ""},
  {"ERROR: ", test_outcome::error, ""},
}};

class automake_dialect final : public dialect {
public:
  explicit automake_dialect(keep_budget& budget) : runs_{"automake", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  bool is_total(std::string_view text);
  void finish(tool_summary summary);

  run_recorder runs_;
  uint64_t number_ = 0;
  bool after_bar_ = false;
  bool in_totals_ = false;
  tool_summary said_;
};

void automake_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  // Python's unittest has "FAIL: test" below a bar.
  bool is_below_bar = std::exchange(after_bar_, is_line_of(text, '=', 3));
  if (is_total(text) || is_below_bar)
    return;
  for (const auto& known : words) {
    auto rest = text;
    if (!take(rest, known.text) || trimmed(rest).empty())
      continue;
    runs_.touch(number);
    test_case test;
    test.name = trimmed(rest);
    test.outcome = known.outcome;
    test.message = known.message;
    runs_.add(std::move(test));
    return;
  }
}

bool automake_dialect::is_total(std::string_view text) {
  if (!runs_.is_open())
    return false;
  auto rest = text;
  if (take(rest, "# ")) {
    auto colon = rest.find(':');
    if (colon == std::string_view::npos)
      return false;
    auto word = rest.substr(0, colon);
    auto digits = trimmed(rest.substr(colon + 1));
    auto count = take_number(digits);
    if (!count || !digits.empty() || (!in_totals_ && word != "TOTAL"))
      return false;
    runs_.touch(number_);
    in_totals_ = true;
    if (word == "TOTAL")
      said_.ran = *count;
    else if (word == "SKIP")
      said_.skipped = *count;
    else if (word == "FAIL" || word == "XPASS")
      said_.failures += *count;
    else if (word == "ERROR") { // the last of them
      said_.errors = *count;
      finish(std::exchange(said_, {}));
    }
    return true;
  }
  // The old harness: "All 5 tests passed", "1 of 5 tests failed"
  tool_summary old;
  if (take(rest, "All "))
    old.ran = take_number(rest).value_or(0);
  else if (auto failed = take_number(rest); failed && take(rest, " of ")) {
    old.failures = *failed;
    old.ran = take_number(rest).value_or(0);
  }
  if (old.ran == 0
      || !(rest.starts_with(" tests passed") || rest.starts_with(" tests failed")
           || rest.starts_with(" test passed") || rest.starts_with(" test failed")
           || rest.starts_with(" tests behaved as expected")))
    return false;
  runs_.touch(number_);
  old.skipped = runs_.counts()[test_outcome::skipped];
  old.ran += old.skipped;
  finish(std::move(old));
  return true;
}

void automake_dialect::finish(tool_summary summary) {
  const auto& counts = runs_.counts();
  if (summary.ran != counts.total() || summary.failures + summary.errors != counts.failures())
    runs_.note("automake says " + std::to_string(summary.ran) + " tests and "
               + std::to_string(summary.failures + summary.errors) + " failures, "
               + std::to_string(counts.total()) + " and " + std::to_string(counts.failures())
               + " were seen");
  runs_.set_summary(std::move(summary));
  runs_.close();
  in_totals_ = false;
}

void automake_dialect::end() {
  if (in_totals_)
    finish(std::exchange(said_, {}));
  // Without its totals it may be anybody's "PASS:".
  runs_.drop();
}

} // namespace

std::unique_ptr<dialect> make_automake(keep_budget& budget) {
  return std::make_unique<automake_dialect>(budget);
}

} // namespace drover::core::dialects
