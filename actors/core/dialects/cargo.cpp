// `cargo test`.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <utility>

namespace drover::core::dialects {

namespace {

class cargo_dialect final : public dialect {
public:
  explicit cargo_dialect(keep_budget& budget) : runs_{"cargo", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  void test_line(std::string_view text);
  void add(std::string_view name, std::string_view verdict);
  void finish(std::string_view text);
  void finish_output();

  run_recorder runs_;
  std::string pending_; ///< its verdict comes after its output
  std::string explained_;
  excerpt output_;
  uint64_t number_ = 0;
};

void cargo_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  auto rest = text;
  if (take(rest, "running ")) {
    auto count = take_number(rest);
    if (!count || (rest != " tests" && rest != " test"))
      return;
    end();
    runs_.touch(number);
    return;
  }
  if (!runs_.is_open())
    return;
  if (take(rest, "test result: ")) {
    finish_output();
    finish(rest);
  } else if (take(rest, "test ")) {
    test_line(rest);
  } else if (take(rest, "---- ") && rest.ends_with(" stdout ----")) {
    finish_output();
    explained_ = rest.substr(0, rest.size() - 12);
  } else if (text == "failures:") {
    finish_output();
  } else if (!explained_.empty()) {
    output_.add(text);
  } else if (!pending_.empty() && (text == "ok" || text == "FAILED")) {
    add(std::exchange(pending_, {}), text);
  }
}

/// "a::b ... ok", "a::b ... ignored, reason"
void cargo_dialect::test_line(std::string_view text) {
  auto dots = text.find(" ... ");
  if (dots == std::string_view::npos)
    return;
  auto verdict = text.substr(dots + 5);
  if (verdict == "ok" || verdict == "FAILED" || verdict.starts_with("ignored"))
    add(text.substr(0, dots), verdict);
  else
    pending_ = text.substr(0, dots);
}

void cargo_dialect::add(std::string_view name, std::string_view verdict) {
  runs_.touch(number_);
  pending_.clear();
  test_case test;
  auto colons = name.rfind("::");
  test.suite = colons == std::string_view::npos ? "" : name.substr(0, colons);
  test.name = colons == std::string_view::npos ? name : name.substr(colons + 2);
  if (take(verdict, "ignored")) {
    test.outcome = test_outcome::skipped;
    take(verdict, ", ");
    test.message = verdict;
  } else if (verdict == "FAILED") {
    test.outcome = test_outcome::failed;
  }
  runs_.add(std::move(test));
}

void cargo_dialect::finish_output() {
  if (explained_.empty())
    return;
  runs_.touch(number_);
  test_case test;
  auto colons = explained_.rfind("::");
  test.suite = colons == std::string::npos ? "" : explained_.substr(0, colons);
  test.name = colons == std::string::npos ? explained_ : explained_.substr(colons + 2);
  test.outcome = test_outcome::failed;
  test.message = output_.text();
  // Output of tests that passed is printed too, with --show-output.
  (void)runs_.explain(test);
  explained_.clear();
  output_.clear();
}

/// "FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s"
void cargo_dialect::finish(std::string_view text) {
  runs_.touch(number_);
  tool_summary summary;
  uint64_t passed = 0;
  take(text, "ok. ");
  take(text, "FAILED. ");
  while (auto count = take_number(text)) {
    if (text.starts_with(" passed"))
      passed = *count;
    else if (text.starts_with(" failed"))
      summary.failures = *count;
    else if (text.starts_with(" ignored"))
      summary.skipped = *count;
    auto next = text.find("; ");
    text.remove_prefix(next == std::string_view::npos ? text.size() : next + 2);
  }
  summary.ran = passed + summary.failures;
  const auto& counts = runs_.counts();
  if (passed != counts[test_outcome::passed] || summary.failures != counts.failures())
    runs_.note("cargo test says " + std::to_string(passed) + " passed and "
               + std::to_string(summary.failures) + " failed, "
               + std::to_string(counts[test_outcome::passed]) + " and "
               + std::to_string(counts.failures()) + " were seen");
  runs_.set_summary(std::move(summary));
  runs_.close();
  pending_.clear();
}

void cargo_dialect::end() {
  finish_output();
  if (runs_.is_open())
    runs_.note("cargo test did not come to its end");
  runs_.close();
  pending_.clear();
}

} // namespace

std::unique_ptr<dialect> make_cargo(keep_budget& budget) {
  return std::make_unique<cargo_dialect>(budget);
}

} // namespace drover::core::dialects
