// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/ending.hpp"

#include "actors/core/explain/words.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

namespace drover::core {

namespace {

/// Whether the reason tells anything beside the exit code, which is told already.
bool says_more(const std::string& reason, int32_t exit_code) {
  return !reason.empty() && reason != "exit code " + std::to_string(exit_code);
}

/// The command was killed by a signal and the keeper says so itself, or a limit was met: then the
/// number 128 + n adds nothing.
bool tells_signal(const std::string& reason, int32_t exit_code) {
  return exit_code > 128 && says_more(reason, exit_code)
         && reason.compare(0, 10, "exit code ") != 0;
}

std::string step_verb(result outcome) {
  switch (outcome) {
  case result::none:
    return " has not ended";
  case result::success:
    return " passed";
  case result::warnings:
    return " gave warnings";
  case result::failure:
    return " failed";
  case result::exception:
    return " could not be run to its end";
  case result::host_lost:
    return " lost its host";
  case result::timeout:
    return " ran out of time";
  case result::cancelled:
    return " was cancelled";
  case result::skipped:
    return " was skipped";
  }
  return " ended";
}

/// The cause behind an ending, with what its number means.
std::string cause_of(int32_t exit_code, const std::string& reason) {
  std::string text;
  bool bare = !tells_signal(reason, exit_code);
  if (exit_code > 0 && bare) {
    text += " with exit code " + std::to_string(exit_code);
    if (auto words = exit_code_words(exit_code); !words.empty())
      text += " (" + words + ")";
  }
  if (says_more(reason, exit_code)) {
    // "exit code 3; not enforced on this host: ..." has told its number above.
    auto told = "exit code " + std::to_string(exit_code) + "; ";
    text +=
      ": " + (reason.compare(0, told.size(), told) == 0 ? reason.substr(told.size()) : reason);
    if (reason.compare(0, 17, "killed by signal ") == 0 && !bare)
      if (auto words = signal_words(exit_code - 128); words.find(", ") != std::string::npos)
        text += words.substr(words.find(", "));
  }
  return text;
}

/// Of the two attempts at one step, the one that was not first (hedge.hpp).
bool is_given_up(const attempt_record& attempt) {
  return attempt.state == attempt_state::lost && attempt.outcome == result::cancelled;
}

/// Attempts beyond the first of each step, told in one phrase; empty when there were none.
std::string repeats_of(const build_file& file) {
  std::string text;
  for (const auto& step : file.steps)
    for (size_t i = 0; i < step.attempts.size(); ++i)
      if (is_given_up(step.attempts[i]))
        text += "; step " + in_quotes(step.name) + " also ran on " + step.attempts[i].host.value
                + ": " + step.attempts[i].reason;
      else if (i + 1 < step.attempts.size() && !step.attempts[i].reason.empty())
        text += "; step " + in_quotes(step.name) + " ran again after attempt "
                + std::to_string(i + 1) + " on " + step.attempts[i].host.value
                + " ended: " + step.attempts[i].reason;
  return text;
}

std::string passed_words(const build_file& file) {
  if (file.steps.empty())
    return "it has no steps";
  auto where = file.build.host.value.empty() ? "" : " on " + file.build.host.value;
  return (file.steps.size() == 1 ? "its step passed" : "all steps passed") + where
         + repeats_of(file);
}

std::string build_verb(result outcome) {
  switch (outcome) {
  case result::none:
    return " is over";
  case result::success:
    return " succeeded";
  case result::warnings:
    return " has warnings";
  case result::failure:
    return " failed";
  case result::exception:
    return " ended by a fault of the farm, not of the source";
  case result::host_lost:
    return " lost its host";
  case result::timeout:
    return " ran out of time";
  case result::cancelled:
    return " was cancelled";
  case result::skipped:
    return " was skipped";
  }
  return " ended";
}

} // namespace

const attempt_record* telling_attempt(const step_record& step) {
  const attempt_record* last = nullptr;
  for (const auto& attempt : step.attempts) {
    if (attempt.number == step.accepted && step.accepted.value != 0)
      return &attempt;
    if (attempt.role == attempt_role::counts)
      last = &attempt;
  }
  return last;
}

const step_record* culprit(const build_file& file, result outcome) {
  for (const auto& step : file.steps)
    if (step.outcome == outcome)
      return &step;
  if (outcome == result::warnings)
    for (const auto& step : file.steps)
      if (step.outcome == result::failure || step.outcome == result::timeout)
        return &step;
  return nullptr;
}

std::string step_ending(const step_record& step) {
  auto* attempt = telling_attempt(step);
  auto text = "step " + in_quotes(step.name);
  auto outcome = step.outcome;
  if (outcome == result::warnings && attempt != nullptr && attempt->outcome != result::warnings) {
    text += ", which only warns,";
    outcome = attempt->outcome;
  }
  text += step_verb(outcome);
  if (attempt != nullptr)
    text += (outcome == result::host_lost ? " " : " on ") + attempt->host.value;
  const auto& reason = step.reason.empty() && attempt != nullptr ? attempt->reason : step.reason;
  return text + cause_of(step.exit_code, reason);
}

std::string attempt_line(const step_record& step, const attempt_record& attempt) {
  auto text = "step " + in_quotes(step.name) + ", attempt " + std::to_string(attempt.number.value)
              + " on " + attempt.host.value + ": ";
  switch (attempt.state) {
  case attempt_state::granted:
    text += "granted at " + moment(attempt.granted_at) + ", not confirmed by the host yet";
    break;
  case attempt_state::running:
    text += "running since " + moment(attempt.started_at);
    break;
  case attempt_state::finished:
    text += plain(attempt.outcome);
    break;
  case attempt_state::lost:
    text += "lost with its host";
    break;
  }
  if (attempt.role == attempt_role::repeats)
    text += " (a repeat, for the workspace of later steps)";
  if (attempt.exit_code >= 0)
    text += ", exit code " + std::to_string(attempt.exit_code);
  if (!attempt.cache_note.empty())
    text += (attempt.reused_from.value != 0 ? ", reused " : ", ") + attempt.cache_note;
  auto took = span_between(attempt.started_at, attempt.finished_at);
  if (!took.empty())
    text += ", after " + took;
  if (says_more(attempt.reason, attempt.exit_code))
    text += ": " + attempt.reason;
  if (!attempt.leftovers.empty())
    text += "; " + attempt.leftovers;
  return one_line(text);
}

std::string why_ended(const build_file& file, result outcome) {
  if (outcome == result::cancelled && !file.build.cancel_reason.empty())
    return one_line(file.build.cancel_reason);
  if (outcome == result::success)
    return one_line(passed_words(file));
  if (const auto* step = culprit(file, outcome))
    return one_line(step_ending(*step));
  return one_line(file.build.reason);
}

std::string finished_sentence(const build_record& build, const std::string& why) {
  auto subject = subject_of(build);
  if (build.outcome == result::cancelled && why.compare(0, 10, "cancelled ") == 0)
    return one_line(subject + " was " + why);
  auto text = subject + build_verb(build.outcome);
  if (build.outcome == result::success)
    if (auto took = span_between(build.started_at, build.finished_at); !took.empty())
      text += " in " + took;
  return one_line(text + (why.empty() ? "" : ": " + why));
}

std::string cancel_phrase(const std::string& by, const std::string& reason) {
  auto text = "cancelled by " + by;
  bool adds = !reason.empty() && reason != text;
  return one_line(text + (adds ? ": " + reason : ""));
}

} // namespace drover::core
