// pytest: lines of -v, short summaries, and its last line, which has the counts.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/pytest_text.hpp"
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <algorithm>
#include <utility>

namespace drover::core::dialects {

namespace {

class pytest_dialect final : public dialect {
public:
  explicit pytest_dialect(keep_budget& budget) : runs_{"pytest", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  enum class phase : uint8_t { outside, tests, sections, short_summary };

  bool is_section(std::string_view text);
  void test_line(std::string_view text);
  void short_line(std::string_view text);
  void settle(std::string_view node, test_outcome outcome, std::string_view message);
  void finish(const pytest_counts& said);
  void reset();

  run_recorder runs_;
  phase phase_ = phase::outside;
  uint64_t number_ = 0;
  std::string pending_; ///< node of a -v line whose verdict comes after the test's output
  bool is_verbose_ = false;
};

void pytest_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  if (auto said = parse_last_line(text)) {
    // Without a header (-q) only the last line itself tells that this is pytest.
    finish(*said);
    return;
  }
  if (is_section(text))
    return;
  if (phase_ == phase::tests)
    test_line(text);
  else if (phase_ == phase::short_summary)
    short_line(text);
}

bool pytest_dialect::is_section(std::string_view text) {
  if (!text.starts_with("===") || !text.ends_with("==="))
    return false;
  text.remove_prefix(std::min(text.find_first_not_of('='), text.size()));
  text.remove_suffix(text.size() - std::min(text.find_last_not_of('=') + 1, text.size()));
  text = trimmed(text);
  if (text == "test session starts") {
    end();
    phase_ = phase::tests;
    runs_.touch(number_);
    return true;
  }
  if (text == "short test summary info") {
    phase_ = phase::short_summary;
    runs_.touch(number_);
    return true;
  }
  if (!runs_.is_open() || text.empty())
    return false;
  if (!pending_.empty())
    settle(std::exchange(pending_, {}), test_outcome::error, "no verdict was printed");
  phase_ = phase::sections;
  runs_.touch(number_);
  return true;
}

void pytest_dialect::test_line(std::string_view text) {
  if (auto found = parse_verbose_line(text)) {
    if (!found->is_rerun)
      settle(found->node, found->outcome, found->message);
    pending_.clear();
    return;
  }
  if (!pending_.empty()) {
    if (auto found = parse_verdict_end(text)) {
      auto node = std::exchange(pending_, {});
      if (!found->is_rerun)
        settle(node, found->outcome, found->message);
      return;
    }
  }
  auto node = node_at_start(text);
  if (node.empty())
    return;
  if (auto found = parse_verdict_end(text.substr(node.size())); found && !found->is_rerun)
    settle(node, found->outcome, found->message);
  else
    pending_ = std::move(node);
}

void pytest_dialect::settle(std::string_view node, test_outcome outcome, std::string_view message) {
  runs_.touch(number_);
  is_verbose_ = true;
  auto test = test_of_node(node);
  test.outcome = outcome;
  test.message = message;
  runs_.add(std::move(test));
}

void pytest_dialect::short_line(std::string_view text) {
  auto found = parse_short_line(text);
  if (!found)
    return;
  runs_.touch(number_);
  auto test = test_of_node(found->node);
  test.outcome = found->outcome;
  test.message = found->message;
  if (found->node.empty())
    return; // "SKIPPED [2] file:line: reason": the last line counts them
  bool is_known = is_verbose_ && (runs_.explain(test) || !is_failure(test.outcome));
  // What could not be collected has no line of its own before.
  bool is_collection = found->node.find("::") == std::string::npos;
  if (!is_verbose_ || (!is_known && is_collection))
    runs_.add(std::move(test));
}

void pytest_dialect::finish(const pytest_counts& said) {
  if (!runs_.is_open() && said.counts.total() == 0)
    return;
  runs_.touch(number_);
  const auto& seen = runs_.counts();
  tool_summary summary;
  summary.failures = said.counts[test_outcome::failed];
  summary.errors = said.counts[test_outcome::error];
  summary.skipped = said.counts[test_outcome::skipped];
  summary.ran = said.counts.total() - summary.skipped;
  if (said.counts != seen) {
    if (is_verbose_)
      runs_.note("pytest counts " + std::to_string(said.counts.total()) + " results, "
                 + std::to_string(seen.total()) + " were seen");
    else
      runs_.note("pytest without -v: passed tests have no names");
    runs_.only_failures_are_named();
    for (size_t i = 0; i < test_outcome_names.size(); ++i) {
      auto outcome = static_cast<test_outcome>(i);
      if (said.counts[outcome] > seen[outcome])
        runs_.count(outcome, said.counts[outcome] - seen[outcome]);
    }
  }
  runs_.set_summary(std::move(summary));
  runs_.close();
  reset();
}

void pytest_dialect::reset() {
  phase_ = phase::outside;
  pending_.clear();
  is_verbose_ = false;
}

void pytest_dialect::end() {
  if (runs_.is_open()) {
    if (!pending_.empty())
      settle(pending_, test_outcome::error, "the output ends within this test");
    if (!is_verbose_)
      runs_.only_failures_are_named();
    runs_.note("pytest did not come to its end");
    runs_.close();
  }
  reset();
}

} // namespace

std::unique_ptr<dialect> make_pytest(keep_budget& budget) {
  return std::make_unique<pytest_dialect>(budget);
}

} // namespace drover::core::dialects
