// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/checkers.hpp"

#include "schema/limits_healing.hpp"
#include "tests/sim/attempts.hpp"

#include <algorithm>
#include <utility>

namespace drover::sim {

using namespace std::chrono_literals;

std::optional<build_file> checkers::stored(build_id build) const {
  auto file = storage::read_build_file(*store_, build);
  if (!file) {
    engine_.fail(text_of(build) + " can't be read: " + file.error().text);
    return std::nullopt;
  }
  return *file;
}

// -- each commit ---------------------------------------------------------------------------------

void checkers::committed(const storage::write_batch& batch) {
  std::set<build_id> touched;
  std::vector<uint64_t> journaled;
  for (const auto& operation : batch.operations) {
    const auto* put = std::get_if<storage::put>(&operation);
    if (put == nullptr || put->where != storage::family::history)
      continue;
    if (auto entry = storage::keys::read_event(put->key))
      journaled.push_back(*entry);
    add_touched(put->key, touched);
  }
  for (auto build : touched) {
    auto file = stored(build);
    if (!file)
      return breach(text_of(build) + " has parts in the store, but no record");
    auto [known, fresh] = seen_.try_emplace(build, *file);
    if (!fresh)
      compare(known->second, *file);
    auto before = fresh ? build_file{} : std::move(known->second);
    saw(build, *std::move(file));
    healing.build_changed(before, known->second);
  }
  for (auto entry : journaled) {
    auto page = storage::read_events(*store_, entry - 1, 1, 1, [](const auto&) { return true; });
    if (page && !(*page).events.empty())
      healing.told((*page).events.front());
  }
}

void checkers::saw(build_id build, build_file file) {
  if (file.build.state == build_state::finished)
    unfinished_.erase(build);
  else
    unfinished_.insert(build);
  seen_.insert_or_assign(build, std::move(file));
}

void checkers::compare(const build_file& before, const build_file& after) {
  bool over = before.build.state == build_state::finished;
  auto judged = after.build; // whose fault it was is told later, by other builds
  judged.fault = before.build.fault;
  judged.fault_evidence = before.build.fault_evidence;
  if (over && judged != before.build)
    breach(text_of(after.build.id) + " changed after it had finished");
  if (before.build.cancel_requested && !after.build.cancel_requested)
    breach(text_of(after.build.id) + " forgot that it is cancelled");
  if (after.build.placement < before.build.placement)
    breach(text_of(after.build.id) + " went back to an earlier placement");
  for (size_t i = 0; i < after.steps.size(); ++i)
    compare_step(after, before.steps[i], after.steps[i]);
}

void checkers::compare_step(const build_file& file, const step_record& before,
                            const step_record& after) {
  auto where = text_of(file.build.id) + " step " + std::to_string(after.index.value);
  if (before.accepted.value != 0 && before.accepted != after.accepted)
    breach(where + ": a second result was accepted");
  if (before.state == step_state::finished
      && (after.state != before.state || after.outcome != before.outcome
          || after.exit_code != before.exit_code))
    breach(where + " changed after it had finished");
  if (after.attempts.size() < before.attempts.size())
    return breach(where + " has lost an attempt");
  for (size_t i = 0; i < before.attempts.size(); ++i) {
    if (!live(before.attempts[i]) && live(after.attempts[i]))
      breach(where + ": an attempt that was over is live again");
    if (live(before.attempts[i]) && after.attempts[i].state == attempt_state::lost)
      check_lost(file, after.attempts[i], after);
  }
  for (size_t i = before.attempts.size(); i < after.attempts.size(); ++i) {
    granted_[token_of(file, after, after.attempts[i]).attempt] = engine_.now();
    if (after.attempts[i].state == attempt_state::lost)
      check_lost(file, after.attempts[i], after);
    check_new_attempt(file, after, i);
  }
  if (before.accepted.value == 0 && after.accepted.value != 0)
    check_accepted(file, after);
}

/// The result that stands is what the process of that very attempt did.
void checkers::check_accepted(const build_file& file, const step_record& step) {
  const auto& attempt = step.attempts[step.accepted.value - 1];
  auto token = token_of(file, step, attempt);
  auto found = witness_.processes.find(token);
  auto where = "attempt " + text_of(token) + ": ";
  if (found == witness_.processes.end()) {
    if (attempt.outcome != result::cancelled)
      breach(where + "a result was accepted of a process that never ran");
    return;
  }
  const auto& truth = found->second;
  if (truth.running)
    breach(where + "its result was accepted while it ran");
  if (truth.keeper_died) {
    if (!attempt.keeper_lost && attempt.outcome != result::cancelled)
      breach(where + "its keeper died, but the record does not say so");
  } else if (attempt.outcome != truth.outcome || attempt.exit_code != truth.exit_code) {
    breach(where + "its process ended otherwise than the record says");
  }
  if (attempt.log_bytes != truth.log_bytes)
    breach(where + "it printed " + std::to_string(truth.log_bytes) + " bytes, the record says "
           + std::to_string(attempt.log_bytes));
}

/// Nothing is run again without a cause that really was.
void checkers::check_new_attempt(const build_file& file, const step_record& step, size_t index) {
  const auto& fresh = step.attempts[index];
  if (fresh.hedge)
    return check_hedge(file, step, index);
  const attempt_record* earlier = nullptr;
  for (size_t i = 0; i < index; ++i) {
    const auto& other = step.attempts[i];
    if (live(other) && !other.hedge)
      breach("attempt " + text_of(token_of(file, step, other))
             + " was followed by another one: it is not over");
    bool here = other.placement == fresh.placement;
    if (earlier == nullptr || here || earlier->placement != fresh.placement)
      earlier = &other;
  }
  if (earlier == nullptr)
    return;
  auto token = token_of(file, step, *earlier);
  auto where = "attempt " + text_of(token) + " was followed by another one: ";
  if (earlier->placement == fresh.placement) {
    auto truth = witness_.processes.find(token);
    if (truth == witness_.processes.end() || !truth->second.keeper_died)
      breach(where + "no fault explains that");
  } else if (!moved_.contains(file.build.id)) {
    breach(where + "its host was never lost");
  }
}

/// A second attempt stands beside one whose host is silent; one at a time, and never of an
/// exclusive step or of a build that is bound to its host.
void checkers::check_hedge(const build_file& file, const step_record& step, size_t index) {
  const auto& fresh = step.attempts[index];
  auto where = "second attempt " + text_of(token_of(file, step, fresh)) + ": ";
  if (!file.build.pinned.value.empty())
    breach(where + "the build is bound to its host");
  if (file.recipe.steps[step.index.value].exclusive && fresh.role == attempt_role::counts)
    breach(where + "the step is exclusive");
  bool begins = true;
  size_t beside = 0;
  for (const auto& other : file.steps)
    for (const auto& attempt : other.attempts) {
      begins &= &attempt == &fresh || attempt.placement != fresh.placement;
      beside += live(attempt) && attempt.hedge && attempt.placement > file.build.placement ? 1 : 0;
    }
  if (beside > 1)
    breach(where + "there is one already");
  if (begins && !healing.may_lag() && silence_of(file.build.host) < limits::hedge_after / 2)
    breach(where + file.build.host.value + " was heard "
           + std::to_string(silence_of(file.build.host).count()) + " ms ago");
}

/// How long the host had been silent, until now or until the word that comes at this very moment.
milliseconds checkers::silence_of(const host_name& host) {
  auto since = engine_.now() - heard_[host];
  return since > 1s ? since : std::max(since, broken_[host]);
}

/// A host is given up only after its lease, or when its machine began anew: what it does not list
/// then it has not, and what was never on its disk must not be believed.
void checkers::check_lost(const build_file& file, const attempt_record& attempt,
                          const step_record& step) {
  if (attempt.outcome == result::cancelled) {
    bool decided = step.state == step_state::finished || file.build.cancel_requested;
    bool repeat = attempt.role == attempt_role::repeats;
    if (!decided && !repeat)
      breach("attempt " + sim::text_of(token_of(file, step, attempt))
             + " was given up before there was a result");
    return;
  }
  moved_.insert(file.build.id);
  auto silent = engine_.now() - heard_[attempt.host];
  auto anew = began_anew_.find(attempt.host);
  auto granted = granted_[token_of(file, step, attempt).attempt];
  bool excused =
    unwelcomed_.contains(attempt.host) || (anew != began_anew_.end() && anew->second >= granted);
  if (silent + 5s >= limits::lease || excused)
    return;
  breach("attempt " + sim::text_of(token_of(file, step, attempt)) + " was given up, but "
         + attempt.host.value + " was heard " + std::to_string(silent.count())
         + " ms ago: " + attempt.reason);
}

// -- links and processes -------------------------------------------------------------------------

void checkers::host_hears(const host_name& host, const farm_message& message) {
  if (std::holds_alternative<welcome>(message) && unwelcomed_.erase(host) > 0)
    began_anew_[host] = engine_.now();
  if (const auto* log = std::get_if<log_durable>(&message)) {
    auto& most = fresh_.logs[log->token.attempt];
    most = std::max(most, log->offset);
  } else if (const auto* result = std::get_if<result_durable>(&message)) {
    // A host that lies of another's attempt is told so too, or it would say so for ever.
    auto file = seen_.find(result->token.attempt.build);
    const auto* known = file == seen_.end() ? nullptr : attempt_of(file->second, result->token);
    if (known == nullptr || known->host == host)
      fresh_.results.insert(result->token);
  }
}

void checkers::farm_hears(const host_name& host, const host_message&) {
  broken_[host] = engine_.now() - heard_[host];
  heard_[host] = engine_.now();
  healing.host_heard(host);
}

void checkers::process_started(const grant_token& token, const host_disk& disk, uint32_t slots) {
  healing.process_started(token, disk);
  const auto& truth = witness_.processes.at(token);
  for (const auto& [number, starts] : truth.starts)
    if (starts > 1)
      breach("attempt " + sim::text_of(token) + " was started twice");
  uint32_t wanted = 0;
  for (const auto& [other, attempt] : disk.attempts()) {
    if (attempt.state != host_disk::keeper::running)
      continue;
    auto file = seen_.find(other.attempt.build);
    const auto* record = file == seen_.end() ? nullptr : attempt_of(file->second, other);
    if (record == nullptr)
      return breach("attempt " + sim::text_of(other) + " runs without a grant in the store");
    wanted += live(*record) ? 1 : 0;
  }
  if (wanted > slots)
    breach(truth.host + " runs " + std::to_string(wanted) + " builds in " + std::to_string(slots)
           + " slots");
}

void checkers::submission_acknowledged(const submitted& answer) {
  fresh_.builds.insert(answer.builds.begin(), answer.builds.end());
  if (answer.campaign.value != 0)
    fresh_.campaigns.insert(answer.campaign);
}

void checkers::cancel_acknowledged(build_id build) {
  fresh_.cancelled.insert(build);
}

// -- at the end ----------------------------------------------------------------------------------

void checkers::at_end() {
  for (const auto& [build, file] : seen_) {
    if (file.build.state != build_state::finished)
      return breach(text_of(build) + " of " + file.build.builder + " has not ended: state "
                    + std::to_string(static_cast<int>(file.build.state)) + " host '"
                    + file.build.host.value + "' pinned '" + file.build.pinned.value + "' needs '"
                    + file.recipe.requirement + "' " + file.build.reason);
    for (const auto& step : file.steps) {
      if (step.state != step_state::finished)
        breach(text_of(build) + " has ended, but not its step " + std::to_string(step.index.value));
      for (const auto& attempt : step.attempts)
        check_log(file, step, attempt);
    }
    check_artifacts(file);
  }
}

void checkers::check_log(const build_file& file, const step_record& step,
                         const attempt_record& attempt) {
  auto token = token_of(file, step, attempt);
  auto where = "log of attempt " + sim::text_of(token);
  if (live(attempt))
    breach("attempt " + sim::text_of(token) + " is live in a build that has ended");
  auto size = storage::log_size(*store_, token.attempt);
  if (!size)
    return breach(where + " can't be read: " + size.error().text);
  auto truth = witness_.processes.find(token);
  auto printed = truth == witness_.processes.end() ? 0 : truth->second.log_bytes;
  if (attempt.state == attempt_state::finished && *size != printed)
    breach(where + " has " + std::to_string(*size) + " bytes, " + std::to_string(printed)
           + " were printed");
  auto bytes = storage::read_log(*store_, token.attempt, 0, static_cast<size_t>(*size));
  if (!bytes || *bytes != stream_bytes(stream_of(token.attempt), 0, static_cast<size_t>(*size)))
    breach(where + " has wrong bytes");
}

void checkers::check_artifacts(const build_file& file) {
  for (const auto& kept : file.build.artifacts) {
    auto size = storage::blob_size(*store_, kept.sha256);
    if (!size || !*size || **size != kept.size)
      breach(text_of(file.build.id) + ": artifact " + kept.path + " is not stored");
  }
  bool complete = file.build.artifacts.size() == artifacts_of(file.build.id).size();
  // A build whose host was lost may have none, and its steps say why.
  if (!complete && file.build.artifact_problem.empty() && file.build.placement > 0
      && !moved_.contains(file.build.id))
    breach(text_of(file.build.id) + " has no artifacts and does not say why");
}

void checkers::host_at_end(const host_name& host, const host_disk& disk) {
  if (disk.running() > 0 || disk.leftovers() > 0)
    breach(host.value + " still runs processes of builds that have ended");
  for (const auto& [build, placement] : disk.workspaces)
    return breach(host.value + " still has the workspace of " + text_of(build) + " placement "
                  + std::to_string(placement));
  for (const auto& [token, attempt] : disk.attempts())
    if (!attempt.confirmed)
      return breach(host.value + " still holds attempt " + sim::text_of(token));
}

} // namespace drover::sim
