// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hedge.hpp"

#include "actors/core/mutants.hpp"
#include "actors/core/poison.hpp"

#include <algorithm>

namespace drover::core {

namespace {

bool live(const attempt_record& attempt) {
  return attempt.state == attempt_state::granted || attempt.state == attempt_state::running;
}

bool good(result outcome) {
  return outcome == result::success || outcome == result::warnings;
}

grant_token token_of(const build_file& file, const step_record& step,
                     const attempt_record& attempt) {
  return {attempt.granted_in, {file.build.id, step.index, attempt.number}};
}

template <class Visit>
void each_attempt(const build_file& file, Visit visit) {
  for (const auto& step : file.steps)
    for (const auto& attempt : step.attempts)
      visit(step, attempt);
}

void give_up(build_file& file, const std::string& why, wall_time now, uint32_t placement) {
  for (auto& step : file.steps)
    for (auto& attempt : step.attempts)
      if (live(attempt) && attempt.placement == placement) {
        attempt.state = attempt_state::lost;
        attempt.outcome = result::cancelled;
        attempt.reason = why;
        attempt.finished_at = now;
      }
}

/// Of the newest placement beyond the build's own: its last attempt, and whether all went well.
struct second_seat {
  uint32_t placement = 0;
  const step_record* step = nullptr;
  const attempt_record* last = nullptr;
  bool broken = false;
};

second_seat newest_seat(const build_file& file) {
  second_seat seat;
  each_attempt(file, [&](const step_record& step, const attempt_record& attempt) {
    if (!attempt.hedge || attempt.placement <= file.build.placement
        || attempt.placement < seat.placement)
      return;
    if (attempt.placement > seat.placement)
      seat = {attempt.placement, nullptr, nullptr, false};
    bool passed = attempt.state == attempt_state::finished && attempt.role == attempt_role::repeats
                  && !attempt.keeper_lost && repeated_well(step, attempt.outcome);
    seat.broken |= !live(attempt) && !passed;
    if (seat.last == nullptr || live(attempt) || !live(*seat.last)) {
      seat.step = &step;
      seat.last = &attempt;
    }
  });
  return seat;
}

bool done_at(const step_record& step, uint32_t placement) {
  return std::any_of(step.attempts.begin(), step.attempts.end(), [&](const attempt_record& a) {
    return a.placement == placement && a.state == attempt_state::finished && !a.keeper_lost;
  });
}

/// The first step that is not done in `placement`.
std::optional<grant_step> first_open(const build_file& file, uint32_t placement) {
  for (const auto& step : file.steps) {
    bool settled = step.state == step_state::finished;
    if (settled && (step.outcome == result::skipped || done_at(step, placement)))
      continue;
    return grant_step{step.index, settled ? attempt_role::repeats : attempt_role::counts};
  }
  return std::nullopt;
}

grant_token enter(build_file& file, const grant_step& grant, const hedge_seat& seat,
                  wall_time now) {
  auto& step = file.steps[grant.step.value];
  attempt_record attempt;
  attempt.number = {static_cast<uint32_t>(step.attempts.size() + 1)};
  attempt.host = seat.host;
  attempt.granted_in = seat.token.granted_in;
  attempt.placement = seat.placement;
  attempt.role = grant.role;
  attempt.granted_at = now;
  attempt.hedge = true;
  step.attempts.push_back(attempt);
  return token_of(file, step, attempt);
}

/// The step that waits for the silent host was hedged already: a hedge was begun after it.
bool was_hedged(const build_file& file, const attempt_record& waited_for) {
  bool found = false;
  each_attempt(file, [&](const step_record&, const attempt_record& attempt) {
    found |= attempt.hedge && attempt.placement > file.build.placement
             && attempt.granted_at.ms >= waited_for.granted_at.ms;
  });
  return found;
}

} // namespace

bool repeated_well(const step_record& step, result outcome) {
  if (good(outcome))
    return true;
  auto number = step.accepted.value;
  if (number == 0 || number > step.attempts.size())
    return false;
  return step.attempts[number - 1].outcome == outcome; // it failed then too, and only warned
}

std::optional<hedge_seat> open_hedge(const build_file& file) {
  auto seat = newest_seat(file);
  if (seat.last == nullptr || seat.broken || file.build.state != build_state::running)
    return std::nullopt;
  if (!live(*seat.last) && !first_open(file, seat.placement))
    return std::nullopt;
  return hedge_seat{seat.placement, seat.last->host, token_of(file, *seat.step, *seat.last)};
}

uint32_t last_placement(const build_file& file) {
  auto highest = file.build.placement;
  each_attempt(file, [&](const step_record&, const attempt_record& attempt) {
    highest = std::max(highest, attempt.placement);
  });
  return highest;
}

bool is_at(const build_file& file, uint32_t placement) {
  if (placement == file.build.placement)
    return true;
  auto seat = open_hedge(file);
  return seat && seat->placement == placement;
}

std::string why_no_hedge(const build_file& file) {
  if (file.build.state != build_state::running || file.build.cancel_requested)
    return "it is not running";
  if (!file.build.pinned.value.empty())
    return "it is bound to " + file.build.pinned.value;
  step_index at;
  const auto* attempt = live_attempt(file, &at);
  if (attempt == nullptr || attempt->role != attempt_role::counts)
    return "no step of it is under way";
  const auto& step = file.steps[at.value];
  if (file.recipe.steps[at.value].exclusive && !is_mutant(mutant::hedge_exclusive))
    return "step '" + step.name + "' is exclusive";
  if (open_hedge(file) || was_hedged(file, *attempt))
    return "step '" + step.name + "' has had its second attempt";
  // If the step kills hosts, the silence of its second one is the proof: no third one is risked.
  if (auto killed = hosts_killed(step); !killed.empty())
    return killed.front().value + " was lost under step '" + step.name + "'";
  return {};
}

queue_entry wish_of_hedge(const build_file& file) {
  auto entry = to_queue_entry(file);
  entry.avoid.clear();
  return entry;
}

std::optional<grant_step> next_of_hedge(const build_file& file) {
  auto seat = newest_seat(file);
  if (seat.last == nullptr || seat.broken || live(*seat.last)
      || file.build.state != build_state::running)
    return std::nullopt;
  return first_open(file, seat.placement);
}

grant_token apply_hedged(build_file& file, const host_name& host, epoch granted_in, wall_time now) {
  hedge_seat seat{last_placement(file) + 1, host, {granted_in, {}}};
  return enter(file, *first_open(file, seat.placement), seat, now);
}

grant_token apply_hedge_grant(build_file& file, const grant_step& grant, epoch granted_in,
                              wall_time now) {
  auto seat = *open_hedge(file);
  seat.token.granted_in = granted_in;
  return enter(file, grant, seat, now);
}

void end_race(build_file& file, const attempt_record& winner) {
  auto won = winner;
  auto seat = newest_seat(file);
  if (seat.last == nullptr || seat.placement <= file.build.placement)
    return;
  auto why = "the attempt on " + won.host.value + " ended first";
  if (won.hedge && won.placement == seat.placement) {
    give_up(file, why, won.finished_at, file.build.placement);
    file.build.host = won.host;
    file.build.placement = won.placement;
    file.build.state = build_state::running;
  } else {
    give_up(file, why, won.finished_at, seat.placement);
  }
}

void drop_hedge(build_file& file, const std::string& why, wall_time now) {
  if (auto seat = newest_seat(file); seat.last != nullptr)
    give_up(file, why, now, seat.placement);
}

bool promote_hedge(build_file& file) {
  auto seat = open_hedge(file);
  if (!seat)
    return false;
  file.build.host = seat->host;
  file.build.placement = seat->placement;
  return true;
}

std::vector<grant_token> given_up(const build_file& before, const build_file& after) {
  std::vector<grant_token> found;
  each_attempt(after, [&](const step_record& step, const attempt_record& attempt) {
    if (attempt.state != attempt_state::lost || attempt.outcome != result::cancelled)
      return;
    auto token = token_of(after, step, attempt);
    const auto* was = find_attempt(before, token);
    if (was == nullptr || live(*was))
      found.push_back(token);
  });
  return found;
}

bool ends_hedge(const build_file& file, const step_record& step, const attempt_record& attempt,
                const attempt_ended& report) {
  if (!attempt.hedge || attempt.placement <= file.build.placement || !live(attempt))
    return false;
  if (report.keeper_lost || report.outcome == result::exception
      || report.outcome == result::cancelled)
    return true;
  return attempt.role == attempt_role::repeats && !repeated_well(step, report.outcome);
}

} // namespace drover::core
