// SPDX-License-Identifier: Apache-2.0
#include "actors/core/progress.hpp"

#include "actors/core/explain/ending.hpp"
#include "actors/core/hedge.hpp"
#include "actors/core/mutants.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

bool good(result outcome) {
  return outcome == result::success || outcome == result::warnings;
}

bool settled(const step_record& step) {
  return step.state == step_state::finished;
}

bool live(const attempt_record& attempt) {
  return attempt.state == attempt_state::granted || attempt.state == attempt_state::running;
}

bool has_host(const build_file& file) {
  return file.build.state == build_state::running;
}

/// How many attempts of this step lost their keeper in the present placement.
size_t keepers_lost(const build_file& file, const step_record& step) {
  return static_cast<size_t>(
    std::count_if(step.attempts.begin(), step.attempts.end(), [&](const attempt_record& a) {
      return a.placement == file.build.placement && a.state == attempt_state::finished
             && a.keeper_lost;
    }));
}

/// Whether the step has run to an end in the present placement, so that its workspace is made (or
/// never will be).
bool done_here(const build_file& file, const step_record& step) {
  bool ended = std::any_of(step.attempts.begin(), step.attempts.end(), [&](const auto& a) {
    return a.placement == file.build.placement && a.state == attempt_state::finished
           && !a.keeper_lost;
  });
  return ended || keepers_lost(file, step) >= limits::keeper_lost_attempts_max;
}

void settle(step_record& step, result outcome, std::string reason) {
  step.state = step_state::finished;
  step.outcome = outcome;
  step.reason = std::move(reason);
}

/// Why the steps after a failed one do not run; empty while all is well.
std::string stopped_by(const build_file& file) {
  if (file.build.cancel_requested)
    return "not run: " + file.build.cancel_reason;
  for (size_t i = 0; i < file.steps.size(); ++i) {
    const auto& step = file.steps[i];
    if (settled(step) && !good(step.outcome) && step.outcome != result::skipped
        && !file.recipe.steps[i].warn_only)
      return "not run: step '" + step.name + "' ended with " + std::string{to_string(step.outcome)};
  }
  return {};
}

int rank(result outcome) {
  switch (outcome) {
  case result::none:
  case result::success:
  case result::skipped:
    return 0;
  case result::warnings:
    return 1;
  case result::failure:
    return 2;
  case result::timeout:
    return 3;
  case result::exception:
    return 4;
  case result::host_lost:
    return 5;
  case result::cancelled:
    return 6;
  }
  return 0;
}

/// Whether the last step's host said, of where the build is now, that $DROVER_OUT was empty.
bool out_empty(const build_file& file) {
  if (file.steps.empty() || file.steps.back().accepted.value == 0)
    return false;
  const auto& last = file.steps.back();
  const auto& attempt = last.attempts[last.accepted.value - 1];
  return attempt.out_empty && attempt.placement == file.build.placement;
}

/// Whether nothing of its workspace is wanted: no artifacts, nothing that a failed step has left.
bool leaves_nothing(const build_file& file) {
  auto well = [](const step_record& step) { return good(step.outcome); };
  return out_empty(file) && std::all_of(file.steps.begin(), file.steps.end(), well)
         && !file.build.cancel_requested && !open_hedge(file) && kept_globs(file.recipe).empty();
}

finish_build conclude(const build_file& file) {
  const step_record* worst = nullptr;
  bool cut_short = false;
  for (const auto& step : file.steps) {
    if (worst == nullptr || rank(step.outcome) > rank(worst->outcome))
      worst = &step;
    cut_short |= step.outcome == result::cancelled || step.outcome == result::skipped;
  }
  auto outcome = worst == nullptr || rank(worst->outcome) == 0 ? result::success : worst->outcome;
  if (file.build.cancel_requested && cut_short)
    outcome = result::cancelled;
  return {outcome, is_mutant(mutant::no_reasons) ? std::string{} : why_ended(file, outcome)};
}

step_record* step_of(build_file& file, const grant_token& token) {
  auto index = token.attempt.step.value;
  if (token.attempt.build != file.build.id || index >= file.steps.size())
    return nullptr;
  return &file.steps[index];
}

attempt_record* attempt_of(step_record& step, const grant_token& token) {
  auto number = token.attempt.attempt.value;
  if (number == 0 || number > step.attempts.size())
    return nullptr;
  auto& found = step.attempts[number - 1];
  if (found.granted_in != token.granted_in && !is_mutant(mutant::no_fencing))
    return nullptr;
  return &found;
}

void accept(build_file& file, step_record& step, const attempt_record& attempt) {
  const auto& spec = file.recipe.steps[step.index.value];
  auto outcome = attempt.outcome;
  if (spec.warn_only && (outcome == result::failure || outcome == result::timeout))
    outcome = result::warnings;
  step.accepted = attempt.number;
  step.exit_code = attempt.exit_code;
  settle(step, outcome, attempt.reason);
}

/// A repeated step that fails where it had passed: the build can't go on honestly.
void give_up_after_repeat(build_file& file, const step_record& step,
                          const attempt_record& attempt) {
  for (auto& later : file.steps)
    if (!settled(later)) {
      settle(later, result::exception,
             "step '" + step.name + "' had passed, but failed on " + attempt.host.value
               + " when the build moved there: " + attempt.reason);
      return;
    }
}

void record_end(attempt_record& attempt, const attempt_ended& report) {
  attempt.state = attempt_state::finished;
  attempt.outcome = report.outcome;
  attempt.exit_code = report.exit_code;
  attempt.reason = report.reason;
  attempt.keeper_lost = report.keeper_lost;
  attempt.log_bytes = report.log_bytes;
  attempt.started_at = report.started_at;
  attempt.finished_at = std::max(report.finished_at, report.started_at); // clocks are set back
  attempt.usage = report.usage;
  attempt.leftovers = report.leftovers;
  attempt.reused_from = report.reused_from;
  attempt.cache_note = report.cache_note;
  attempt.out_empty = report.out_empty;
}

/// Keeps what came too late beside what was decided without it.
void record_evidence(attempt_record& attempt, const attempt_ended& report) {
  auto verdict_then = attempt.reason;
  auto outcome_then = attempt.outcome;
  record_end(attempt, report);
  attempt.outcome = outcome_then == result::none ? report.outcome : outcome_then;
  attempt.reason = verdict_then + (verdict_then.empty() ? "" : "; ")
                   + "reported too late: " + std::string{to_string(report.outcome)}
                   + (report.reason.empty() ? "" : ", " + report.reason);
}

bool may_stand(const build_file& file, const step_record& step, const attempt_record& attempt,
               const attempt_ended& report) {
  if (is_mutant(mutant::no_fencing))
    return file.build.state != build_state::finished;
  if (attempt.role == attempt_role::repeats || settled(step))
    return false;
  bool says_something = report.outcome == result::success || report.outcome == result::failure
                        || report.outcome == result::timeout;
  return attempt.state != attempt_state::lost || says_something;
}

} // namespace

bool settle_skipped(build_file& file) {
  auto why = stopped_by(file);
  if (why.empty())
    return false;
  bool changed = false;
  bool keep_always = has_host(file) || !file.build.cancel_requested;
  for (size_t i = 0; i < file.steps.size(); ++i) {
    auto& step = file.steps[i];
    bool under_way = std::any_of(step.attempts.begin(), step.attempts.end(), live);
    if (settled(step) || under_way || (file.recipe.steps[i].always && keep_always))
      continue;
    settle(step, result::skipped, why);
    changed = true;
  }
  return changed;
}

next_move decide_next(const build_file& file) {
  step_index at;
  if (const auto* attempt = live_attempt(file, &at))
    return wait_for_attempt{attempt->number, at};
  bool all_settled = std::all_of(file.steps.begin(), file.steps.end(), settled);
  if (all_settled && has_host(file) && !leaves_nothing(file))
    return close_workspace{true};
  if (all_settled)
    return conclude(file);
  if (!has_host(file))
    return need_host{};
  for (const auto& step : file.steps) {
    if (step.outcome == result::skipped || done_here(file, step))
      if (settled(step))
        continue;
    return grant_step{step.index, settled(step) ? attempt_role::repeats : attempt_role::counts};
  }
  return close_workspace{true};
}

void apply_placed(build_file& file, const host_name& host, wall_time now) {
  file.build.host = host;
  file.build.state = build_state::running;
  file.build.reason.clear();
  file.build.placement = last_placement(file) + 1;
  if (file.build.started_at.ms == 0)
    file.build.started_at = now;
}

grant_token apply_grant(build_file& file, const grant_step& grant, epoch granted_in,
                        wall_time now) {
  auto& step = file.steps[grant.step.value];
  attempt_record attempt;
  attempt.number = {static_cast<uint32_t>(step.attempts.size() + 1)};
  attempt.host = file.build.host;
  attempt.granted_in = granted_in;
  attempt.placement = file.build.placement;
  attempt.role = grant.role;
  attempt.granted_at = now;
  if (grant.role == attempt_role::counts)
    step.state = step_state::waiting;
  step.attempts.push_back(attempt);
  return {granted_in, {file.build.id, step.index, attempt.number}};
}

bool apply_started(build_file& file, const grant_token& token, wall_time at) {
  auto* step = step_of(file, token);
  auto* attempt = step == nullptr ? nullptr : attempt_of(*step, token);
  if (attempt == nullptr || attempt->state != attempt_state::granted)
    return false;
  attempt->state = attempt_state::running;
  attempt->started_at = at;
  if (!settled(*step))
    step->state = step_state::running;
  return true;
}

verdict apply_ended(build_file& file, const attempt_ended& report) {
  auto* step = step_of(file, report.token);
  auto* attempt = step == nullptr ? nullptr : attempt_of(*step, report.token);
  if (attempt == nullptr)
    return verdict::unknown;
  if (attempt->state == attempt_state::finished && !is_mutant(mutant::no_fencing))
    return verdict::duplicate;
  if (ends_hedge(file, *step, *attempt, report)) {
    record_end(*attempt, report);
    return verdict::recorded;
  }
  if (may_stand(file, *step, *attempt, report)) {
    bool in_time = live(*attempt);
    record_end(*attempt, report);
    if (report.keeper_lost && keepers_lost(file, *step) < limits::keeper_lost_attempts_max) {
      step->state = step_state::pending;
      return verdict::recorded;
    }
    accept(file, *step, *attempt);
    if (in_time)
      end_race(file, *attempt);
    else // it stands, but its workspace was given up: nothing moves there
      drop_hedge(file, "a late result from " + attempt->host.value + " came first",
                 attempt->finished_at);
    return verdict::accepted;
  }
  if (attempt->state == attempt_state::lost || attempt->role == attempt_role::counts) {
    record_evidence(*attempt, report);
    return verdict::evidence;
  }
  record_end(*attempt, report);
  bool again = report.keeper_lost && keepers_lost(file, *step) < limits::keeper_lost_attempts_max;
  bool well = repeated_well(*step, report.outcome) || attempt->placement != file.build.placement;
  if (!again && good(step->outcome) && !well)
    give_up_after_repeat(file, *step, *attempt);
  return verdict::recorded;
}

bool apply_cancel(build_file& file, const std::string& reason) {
  if (file.build.cancel_requested || file.build.state == build_state::finished)
    return false;
  file.build.cancel_requested = true;
  file.build.cancel_reason = reason;
  return true;
}

void apply_closed(build_file& file, const build_closed& report) {
  file.build.artifacts = report.artifacts;
  if (!report.problem.empty())
    file.build.artifact_problem = report.problem;
  file.build.state = build_state::waiting;
}

void apply_finished(build_file& file, const finish_build& end, wall_time now) {
  file.build.state = build_state::finished;
  file.build.outcome = end.outcome;
  file.build.reason = end.reason;
  if (!file.build.artifact_problem.empty()) {
    if (file.build.outcome == result::success)
      file.build.outcome = result::warnings;
    file.build.reason += "; artifacts: " + file.build.artifact_problem;
  }
  file.build.finished_at = std::max(now, file.build.started_at); // clocks are set back
}

const attempt_record* live_attempt(const build_file& file, step_index* of_step) {
  for (const auto& step : file.steps)
    for (const auto& attempt : step.attempts)
      if (live(attempt) && attempt.placement == file.build.placement) {
        if (of_step != nullptr)
          *of_step = step.index;
        return &attempt;
      }
  return nullptr;
}

attempt_record* find_attempt(build_file& file, const grant_token& token) {
  auto* step = step_of(file, token);
  return step == nullptr ? nullptr : attempt_of(*step, token);
}

const attempt_record* find_attempt(const build_file& file, const grant_token& token) {
  return find_attempt(const_cast<build_file&>(file), token); // which only looks
}

} // namespace drover::core
