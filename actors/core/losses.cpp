// What the loss of a host means for the build that was there (progress.hpp).
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hedge.hpp"
#include "actors/core/poison.hpp"
#include "actors/core/progress.hpp"
#include "schema/limits.hpp"

#include <algorithm>
#include <set>

namespace drover::core {

namespace {

bool settled(const step_record& step) {
  return step.state == step_state::finished;
}

void settle(step_record& step, result outcome, std::string reason) {
  step.state = step_state::finished;
  step.outcome = outcome;
  step.reason = std::move(reason);
}

/// Placements that ended with the loss of their host.
size_t placements_lost(const build_file& file) {
  std::set<uint32_t> lost;
  for (const auto& step : file.steps)
    for (const auto& attempt : step.attempts)
      if (attempt.state == attempt_state::lost && attempt.outcome == result::host_lost)
        lost.insert(attempt.placement);
  return lost.size();
}

/// Nothing of it may run anywhere again: neither the step nor, to prepare a later one, its repeat.
void stop_poison(build_file& file, step_record& step, const std::string& sentence, wall_time now) {
  drop_hedge(file, sentence, now);
  if (!settled(step))
    settle(step, result::exception, sentence);
  bool told = step.outcome == result::exception;
  for (auto& other : file.steps)
    if (!settled(other)) {
      settle(other, told ? result::skipped : result::exception,
             told ? "not run: step '" + step.name + "' killed its hosts" : sentence);
      told = true;
    }
}

} // namespace

bool apply_lost(build_file& file, const grant_token& token, const std::string& reason,
                wall_time now) {
  auto* attempt = find_attempt(file, token);
  if (attempt == nullptr
      || (attempt->state != attempt_state::granted && attempt->state != attempt_state::running))
    return false;
  auto& step = file.steps[token.attempt.step.value];
  attempt->state = attempt_state::lost;
  attempt->outcome = result::host_lost;
  attempt->reason = reason;
  attempt->finished_at = std::max(now, attempt->started_at); // clocks differ, and are set back
  bool own = attempt->placement == file.build.placement;
  auto poison = own ? poison_sentence(file) : std::string{};
  if (!poison.empty())
    stop_poison(file, step, poison, now);
  if (!own)
    return true;
  if (promote_hedge(file))
    return true;
  if (!settled(step))
    step.state = step_state::pending;
  file.build.state = build_state::waiting;
  file.build.reason = reason;
  if (auto lost = placements_lost(file); lost >= limits::placements_max && !settled(step))
    settle(step, result::host_lost,
           "its host was lost " + std::to_string(lost) + " times, the last time: " + reason);
  return true;
}

} // namespace drover::core
