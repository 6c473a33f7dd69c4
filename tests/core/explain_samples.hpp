#pragma once
// Builds and hosts in every state, for tests of what is said of them.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/explain/ending.hpp"
#include "actors/core/explain/explain.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <set>

namespace drover::core {

inline constexpr wall_time noon{1'769'860'800'000}; // 2026-01-31 12:00:00 UTC

/// Every enumerator that has a name: a new one is met here as soon as it has one.
template <class Enum>
std::vector<Enum> all_of() {
  std::vector<Enum> found;
  for (uint8_t value = 0; value < 64; ++value)
    if (to_string(static_cast<Enum>(value)) != "unknown")
      found.push_back(static_cast<Enum>(value));
  return found;
}

inline attempt_record make_attempt(uint32_t number, attempt_state state) {
  attempt_record out;
  out.number = {number};
  out.host = {"h" + std::to_string(number)};
  out.placement = 1;
  out.state = state;
  out.granted_at = noon;
  if (state != attempt_state::granted)
    out.started_at = {noon.ms + 1000};
  if (state == attempt_state::finished)
    out.finished_at = {noon.ms + 4200};
  return out;
}

inline step_record make_step(uint32_t index, const std::string& name) {
  step_record out;
  out.index = {index};
  out.name = name;
  return out;
}

inline build_file sample_build(build_state state, result outcome) {
  build_file out;
  out.build.id = {12};
  out.build.builder = "check";
  out.build.state = state;
  out.build.outcome = outcome;
  out.build.host = {"h1"};
  out.build.placement = 1;
  out.build.created_at = out.build.started_at = noon;
  if (state == build_state::finished)
    out.build.finished_at = {noon.ms + 3250};
  out.steps = {make_step(0, "build"), make_step(1, "test")};
  return out;
}

/// Its step 'test' ended so; the build with it.
inline build_file ended_by(result outcome, int32_t exit_code, const std::string& reason) {
  auto out = sample_build(build_state::finished, outcome);
  for (auto& step : out.steps) {
    step.state = step_state::finished;
    step.outcome = result::success;
    step.attempts = {make_attempt(1, attempt_state::finished)};
    step.attempts[0].outcome = result::success;
    step.attempts[0].exit_code = 0;
    step.accepted = {1};
  }
  auto& test = out.steps[1];
  test.outcome = test.attempts[0].outcome = outcome;
  test.exit_code = test.attempts[0].exit_code = exit_code;
  test.reason = test.attempts[0].reason = reason;
  return out;
}

inline std::string sentence_of(const build_file& file, const waiting_view* now = nullptr,
                               const build_surroundings& around = {}) {
  return explain_build(file, now, around).sentence;
}

inline bool has(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

/// Two states or results told alike by mistake show as the same sentence.
inline void check_distinct(const std::vector<std::string>& sentences) {
  std::set<std::string> distinct{sentences.begin(), sentences.end()};
  CHECK(distinct.size() == sentences.size());
}

inline build_record cell_build(uint64_t id, build_state state, result outcome,
                               std::string reason = {}) {
  auto build = sample_build(state, outcome).build;
  build.id = {id};
  build.reason = std::move(reason);
  return build;
}

/// What holds of every sentence and every line of evidence.
inline void check_form(const explanation& why, const std::string& subject) {
  INFO(why.sentence);
  CHECK(why.sentence.compare(0, subject.size(), subject) == 0);
  CHECK(why.sentence.size() > subject.size() + 3);
  CHECK((why.sentence.back() != '.' || why.sentence.ends_with("...")));
  auto lines = why.evidence;
  lines.push_back(why.sentence);
  for (const auto& line : lines) {
    CHECK(line.size() <= limits::reason_bytes_max);
    CHECK(line.find_first_of("\n\r\x1b") == std::string::npos);
    CHECK(line.find("  ") == std::string::npos);
    CHECK(line.find("unknown") == std::string::npos);
  }
}

} // namespace drover::core
