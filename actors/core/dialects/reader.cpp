// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/reader.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace drover::core {

using dialects::test_run;

namespace {

/// Whether `inner` is output of the tests of `outer`.
bool contains(const test_run& outer, const test_run& inner) {
  bool is_within = outer.first_line <= inner.first_line && inner.last_line <= outer.last_line;
  bool is_same = outer.first_line == inner.first_line && inner.last_line == outer.last_line;
  return is_within && !is_same && outer.report.dialect != inner.report.dialect;
}

/// Leaves out runs within others and says so once for each of those. Runs come by their first
/// lines, longer ones first, so that what contains a run is before it.
std::vector<test_run> outermost(std::vector<test_run> all) {
  std::stable_sort(all.begin(), all.end(), [](const test_run& a, const test_run& b) {
    return a.first_line != b.first_line ? a.first_line < b.first_line : a.last_line > b.last_line;
  });
  std::vector<test_run> out;
  size_t widest = 0; // index in `out` of the run that reaches furthest
  for (auto& run : all) {
    if (!out.empty() && contains(out[widest], run)) {
      auto& notes = out[widest].report.notes;
      auto text = "results of " + run.report.dialect + " within the output of "
                  + out[widest].report.dialect + " are not counted";
      if (std::find(notes.begin(), notes.end(), text) == notes.end())
        notes.push_back(std::move(text));
      continue;
    }
    if (out.empty() || run.last_line >= out[widest].last_line)
      widest = out.size();
    out.push_back(std::move(run));
  }
  return out;
}

/// Whether `word` is one of the words in "unittest, ctest".
bool names(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    auto end = std::min(list.find(", "), list.size());
    if (list.substr(0, end) == word)
      return true;
    list.remove_prefix(std::min(end + 2, list.size()));
  }
  return false;
}

void merge_dialects(std::string& into, std::string_view from) {
  while (!from.empty()) {
    auto end = std::min(from.find(", "), from.size());
    auto word = from.substr(0, end);
    if (!names(into, word)) {
      into += into.empty() ? "" : ", ";
      into += word;
    }
    from.remove_prefix(std::min(end + 2, from.size()));
  }
}

} // namespace

dialect_reader::dialect_reader() {
  using namespace dialects;
  for (auto make : {make_unittest, make_doctest, make_sage, make_pytest, make_ctest, make_tap,
                    make_gtest, make_cargo, make_automake})
    dialects_.push_back(make(budget_));
}

dialect_reader::~dialect_reader() = default;

void dialect_reader::line(std::string_view text) {
  ++lines_;
  for (auto& one : dialects_)
    one->line(text, lines_);
}

void dialect_reader::feed(std::string_view bytes) {
  splitter_.feed(bytes, [this](std::string_view text) { line(text); });
}

test_report dialect_reader::finish() {
  splitter_.finish([this](std::string_view text) { line(text); });
  std::vector<test_run> all;
  for (auto& one : dialects_) {
    one->end();
    for (auto& run : one->runs())
      all.push_back(std::move(run));
  }
  test_report out;
  for (auto& run : outermost(std::move(all)))
    merge(out, std::move(run.report));
  return out;
}

void merge(test_report& into, test_report from) {
  merge_dialects(into.dialect, from.dialect);
  for (size_t i = 0; i < test_outcome_names.size(); ++i)
    into.counts.by_outcome[i] += from.counts.by_outcome[i];
  size_t room = limits::tests_kept_max - std::min(limits::tests_kept_max, into.tests.size());
  into.truncated = into.truncated || from.truncated || from.tests.size() > room;
  from.tests.resize(std::min(from.tests.size(), room));
  std::move(from.tests.begin(), from.tests.end(), std::back_inserter(into.tests));
  for (auto& summary : from.summaries)
    if (into.summaries.size() < limits::test_runs_max)
      into.summaries.push_back(std::move(summary));
  for (auto& note : from.notes)
    if (into.notes.size() < limits::test_notes_max)
      into.notes.push_back(std::move(note));
  into.only_failures_named = into.only_failures_named || from.only_failures_named;
}

} // namespace drover::core
