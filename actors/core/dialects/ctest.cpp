// ctest's own lines; what its tests printed in between is theirs.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <algorithm>
#include <utility>

namespace drover::core::dialects {

namespace {

/// " 1/10 Test  #1: name ....***Failed    0.00 sec"
std::optional<test_case> parse_result(std::string_view text) {
  text = trimmed(text);
  if (!take_number(text) || !take(text, "/") || !take_number(text) || !take(text, " Test"))
    return std::nullopt;
  text = trimmed(text);
  if (!take(text, "#") || !take_number(text) || !take(text, ": "))
    return std::nullopt;
  auto stars = text.find("***");
  auto passed = text.rfind("   Passed ");
  bool is_passed =
    passed != std::string_view::npos && (stars == std::string_view::npos || passed < stars);
  auto at = is_passed ? passed : stars;
  if (at == std::string_view::npos)
    return std::nullopt;
  test_case test;
  auto name = text.substr(0, at);
  while (!name.empty() && (name.back() == '.' || name.back() == ' '))
    name.remove_suffix(1);
  test.name = name;
  auto status = trimmed(text.substr(at + (is_passed ? 0 : 3)));
  if (status.ends_with(" sec")) {
    auto time = trimmed(status.substr(0, status.size() - 4));
    auto blank = time.find_last_of(' ');
    test.seconds = blank == std::string_view::npos ? -1 : seconds_of(time.substr(blank + 1));
    if (test.seconds >= 0)
      status = trimmed(time.substr(0, blank));
  }
  if (is_passed)
    return test;
  test.message = status;
  bool is_skip = status.starts_with("Skipped") || status.starts_with("Not Run (Disabled)");
  test.outcome = is_skip                        ? test_outcome::skipped
                 : status.starts_with("Failed") ? test_outcome::failed
                                                : test_outcome::error;
  return test;
}

bool is_start(std::string_view text) {
  text = trimmed(text);
  if (!take(text, "Start "))
    return false;
  text = trimmed(text);
  return take_number(text) && text.starts_with(": ");
}

class ctest_dialect final : public dialect {
public:
  explicit ctest_dialect(keep_budget& budget) : runs_{"ctest", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  void flush();
  static std::optional<tool_summary> parse_summary(std::string_view text);

  run_recorder runs_;
  std::optional<test_case> last_; ///< failed; its output may follow
  excerpt output_;
  bool after_summary_ = false;
};

void ctest_dialect::line(std::string_view text, uint64_t number) {
  if (text.starts_with("Test project ")) {
    end();
    runs_.touch(number);
    return;
  }
  if (auto test = parse_result(text)) {
    flush();
    runs_.touch(number);
    last_ = std::move(test);
    return;
  }
  if (!runs_.is_open())
    return;
  if (is_start(text)) {
    flush();
    runs_.touch(number);
    return;
  }
  if (auto summary = parse_summary(text)) {
    flush();
    runs_.touch(number);
    const auto& counts = runs_.counts();
    summary->skipped = counts[test_outcome::skipped];
    if (summary->failures != counts.failures())
      runs_.note("ctest says " + std::to_string(summary->failures) + " tests failed, "
                 + std::to_string(counts.failures()) + " were seen");
    runs_.set_summary(std::move(*summary));
    after_summary_ = true;
    return;
  }
  if (after_summary_ && text.starts_with("Total Test time (real)")) {
    runs_.touch(number);
    runs_.close();
    after_summary_ = false;
    return;
  }
  if (last_ && is_failure(last_->outcome) && !(output_.empty() && trimmed(text).empty()))
    output_.add(text);
}

/// "33% tests passed, 6 tests failed out of 9"
std::optional<tool_summary> ctest_dialect::parse_summary(std::string_view text) {
  if (!take_number(text) || !take(text, "% tests passed, "))
    return std::nullopt;
  auto failed = take_number(text);
  if (!failed || !(take(text, " tests failed out of ") || take(text, " test failed out of ")))
    return std::nullopt;
  tool_summary out;
  out.failures = *failed;
  out.ran = take_number(text).value_or(0);
  return out;
}

void ctest_dialect::flush() {
  if (!last_)
    return;
  auto test = *std::exchange(last_, std::nullopt);
  if (!output_.empty())
    test.message += '\n' + output_.text();
  output_.clear();
  runs_.add(std::move(test));
}

void ctest_dialect::end() {
  flush();
  if (runs_.is_open() && !after_summary_)
    runs_.note("ctest did not come to its end");
  after_summary_ = false;
  runs_.close();
}

} // namespace

std::unique_ptr<dialect> make_ctest(keep_budget& budget) {
  return std::make_unique<ctest_dialect>(budget);
}

} // namespace drover::core::dialects
