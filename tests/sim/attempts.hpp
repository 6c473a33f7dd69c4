#pragma once
// What judges ask of the records of a build.
// SPDX-License-Identifier: Apache-2.0

#include "storage/keys.hpp"
#include "tests/sim/witness.hpp"

#include <set>

namespace drover::sim {

inline bool live(const attempt_record& attempt) {
  return attempt.state == attempt_state::granted || attempt.state == attempt_state::running;
}

inline grant_token token_of(const build_file& file, const step_record& step,
                            const attempt_record& attempt) {
  return {attempt.granted_in, {file.build.id, step.index, attempt.number}};
}

inline std::string text_of(build_id id) {
  return "build " + std::to_string(id.value);
}

inline const attempt_record* attempt_of(const build_file& file, const grant_token& token) {
  auto step = token.attempt.step.value;
  auto number = token.attempt.attempt.value;
  if (step >= file.steps.size() || number == 0 || number > file.steps[step].attempts.size())
    return nullptr;
  const auto& found = file.steps[step].attempts[number - 1];
  return found.granted_in == token.granted_in ? &found : nullptr;
}

/// The build whose record or step is under this key.
inline void add_touched(std::string_view key, std::set<build_id>& touched) {
  if (auto build = storage::keys::read_build(key))
    touched.insert(*build);
  if (auto step = storage::keys::read_step(key))
    touched.insert(step->build);
}

} // namespace drover::sim
