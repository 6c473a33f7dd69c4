// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"

#include "actors/core/dialects/text.hpp"

#include <utility>

namespace drover::core::dialects {

namespace {

size_t cost_of(const test_case& test) {
  return limits::test_overhead_bytes + test.name.size() + test.suite.size() + test.message.size()
         + test.file.size();
}

std::string key_of(const test_case& test) {
  return test.suite + '\n' + test.name + '\n' + std::string{to_string(test.outcome)};
}

} // namespace

void run_recorder::touch(uint64_t line) {
  if (is_open_) {
    run().last_line = line;
    return;
  }
  is_open_ = true;
  unexplained_.clear();
  if (runs_.size() >= limits::test_runs_max) {
    // Goes on in the last one: its results count, its place in the log is no longer told.
    is_merged_ = true;
    run().last_line = line;
    return;
  }
  runs_.push_back({line, line, {}});
  run().report.dialect = dialect_;
}

void run_recorder::close() {
  is_open_ = false;
  unexplained_.clear();
}

void run_recorder::drop() {
  if (!is_open_)
    return;
  if (!is_merged_) {
    forget_texts(run().report);
    runs_.pop_back();
  }
  close();
}

void run_recorder::forget_texts(const test_report& report) {
  for (const auto& test : report.tests) {
    ++budget_->tests;
    budget_->bytes += cost_of(test);
  }
}

void run_recorder::add(test_case test) {
  test.name = clean_text(test.name, limits::test_name_bytes_max);
  test.suite = clean_text(test.suite, limits::test_name_bytes_max);
  test.file = clean_text(test.file, limits::test_name_bytes_max);
  test.message = clean_text(test.message, limits::test_message_bytes_max);
  auto& report = run().report;
  ++report.counts[test.outcome];
  size_t cost = cost_of(test);
  if (budget_->tests == 0 || budget_->bytes < cost) {
    report.truncated = true;
    return;
  }
  --budget_->tests;
  budget_->bytes -= cost;
  if (test.outcome != test_outcome::passed && test.message.empty())
    unexplained_.emplace(key_of(test), report.tests.size());
  report.tests.push_back(std::move(test));
}

void run_recorder::count(test_outcome outcome, uint64_t how_many) {
  run().report.counts[outcome] += how_many;
}

bool run_recorder::explain(const test_case& test) {
  auto clean = test;
  clean.name = clean_text(test.name, limits::test_name_bytes_max);
  clean.suite = clean_text(test.suite, limits::test_name_bytes_max);
  auto found = unexplained_.find(key_of(clean));
  if (found == unexplained_.end())
    return false;
  auto& kept = run().report.tests[found->second];
  unexplained_.erase(found);
  auto message = clean_text(test.message, limits::test_message_bytes_max);
  if (budget_->bytes < message.size()) {
    run().report.truncated = true;
    return true;
  }
  budget_->bytes -= message.size();
  kept.message = std::move(message);
  return true;
}

void run_recorder::note(std::string text) {
  auto& notes = run().report.notes;
  if (notes.size() < limits::test_notes_max)
    notes.push_back(clean_text(text, limits::test_name_bytes_max));
}

void run_recorder::set_summary(tool_summary summary) {
  summary.dialect = dialect_;
  run().report.summaries.push_back(std::move(summary));
}

std::vector<test_run> run_recorder::take() {
  close();
  return std::exchange(runs_, {});
}

} // namespace drover::core::dialects
