// SPDX-License-Identifier: Apache-2.0
#include "actors/core/test_history.hpp"

#include <map>

namespace drover::core {

namespace {

/// Failures win over all else; a test that ran at all wins over a skipped one.
int badness(test_outcome outcome) {
  switch (outcome) {
  case test_outcome::skipped:
    return 0;
  case test_outcome::passed:
    return 1;
  case test_outcome::expected_failure:
    return 2;
  case test_outcome::failed:
    return 3;
  case test_outcome::error:
    return 4;
  }
  return 0;
}

std::map<test_key, test_outcome> worst_outcomes(const test_report& report) {
  std::map<test_key, test_outcome> out;
  for (const auto& test : report.tests) {
    auto [at, is_new] = out.try_emplace({test.suite, test.name}, test.outcome);
    if (!is_new && badness(test.outcome) > badness(at->second))
      at->second = test.outcome;
  }
  return out;
}

} // namespace

test_changes compare(const test_report& before, const test_report& now) {
  auto old_outcomes = worst_outcomes(before);
  auto new_outcomes = worst_outcomes(now);
  test_changes out;
  for (const auto& [key, outcome] : new_outcomes) {
    if (!is_failure(outcome))
      continue;
    auto old = old_outcomes.find(key);
    bool failed_before = old != old_outcomes.end() && is_failure(old->second);
    (failed_before ? out.still_failing : out.new_failures).push_back(key);
  }
  bool silence_is_pass = now.only_failures_named || now.truncated;
  for (const auto& [key, outcome] : old_outcomes) {
    if (outcome == test_outcome::skipped)
      continue;
    auto found = new_outcomes.find(key);
    bool is_absent = found == new_outcomes.end();
    bool is_missing = is_absent ? !silence_is_pass : found->second == test_outcome::skipped;
    bool is_fine = is_absent ? silence_is_pass : !is_failure(found->second);
    if (is_missing)
      out.missing.push_back(key);
    else if (is_fine && is_failure(outcome))
      out.fixed.push_back(key);
  }
  return out;
}

} // namespace drover::core
