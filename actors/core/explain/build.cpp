// Builds: what they wait for, what they do, how they ended.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/ending.hpp"
#include "actors/core/explain/explain.hpp"
#include "actors/core/explain/first_error.hpp"
#include "actors/core/explain/words.hpp"
#include "actors/core/liveness.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

bool is_predicate(const std::string& reason) {
  return reason.compare(0, 6, "waits ") == 0 || reason.compare(0, 6, "waits,") == 0;
}

std::string waiting_sentence(const build_record& build) {
  auto text = subject_of(build);
  auto why = build.reason;
  if (why.empty())
    why = "waits for a host; it is placed as soon as one that serves it has a free slot";
  bool queued = build.state == build_state::queued;
  if (is_predicate(why))
    return one_line(text + (queued ? " is queued and " : " ") + why);
  // A host was lost under it, and it has not been placed anew: "h2 has been silent for 1 min".
  return one_line(text + (queued ? " is queued: " : " waits: ") + why);
}

/// "since 2026-01-31 12:00:01 UTC (for 4 min)".
std::string since(wall_time when, wall_time now) {
  auto span = span_between(when, now);
  return "since " + moment(when) + (span.empty() ? "" : " (for " + span + ")");
}

/// Why there is more than one attempt, told by the one before.
std::string attempt_words(const step_record& step, const attempt_record& attempt) {
  if (attempt.number.value <= 1 || attempt.number.value > step.attempts.size())
    return {};
  const auto& before = step.attempts[attempt.number.value - 2];
  auto text = ", as attempt " + std::to_string(attempt.number.value);
  if (attempt.role == attempt_role::repeats)
    return text + " to prepare the workspace on its new host";
  auto why = before.reason.empty() ? plain(before.outcome) : before.reason;
  return text + " because attempt " + std::to_string(before.number.value) + " on "
         + before.host.value + " ended: " + why;
}

std::string live_words(const build_file& file, const step_record& step,
                       const attempt_record& attempt, const build_surroundings& around) {
  const auto& host = attempt.host.value;
  auto name = "step " + in_quotes(step.name);
  if (attempt.state == attempt_state::granted) {
    bool first = step.index.value == 0 && file.build.source.kind != source_kind::none;
    return name + " was sent to " + host + " " + since(attempt.granted_at, around.now)
           + (first ? ", which prepares the source and has not started the step yet"
                    : ", which has not started it yet")
           + attempt_words(step, attempt);
  }
  auto text = name + " runs on " + host + " " + since(attempt.started_at, around.now);
  if (around.quiet.count() >= 0)
    text += ", quiet for " + spoken(around.quiet);
  return text + attempt_words(step, attempt);
}

/// Its host is not up: what runs there can't tell.
std::string host_words(const build_surroundings& around) {
  if (!around.host || around.host->state == host_state::up)
    return {};
  host_case told{around.host->record.name,
                 obstacle::away,
                 around.host->state,
                 around.host->reason,
                 {},
                 0,
                 0,
                 {}};
  return "; " + away_words(told);
}

std::string running_sentence(const build_file& file, const build_surroundings& around) {
  const auto& build = file.build;
  auto text = subject_of(build) + " is ";
  if (build.cancel_requested)
    text += "being "
            + (build.cancel_reason.compare(0, 10, "cancelled ") == 0
                 ? build.cancel_reason
                 : "cancelled: " + build.cancel_reason);
  else
    text += "running";
  for (const auto& step : file.steps)
    for (auto at = step.attempts.rbegin(); at != step.attempts.rend(); ++at)
      if (at->placement == build.placement
          && (at->state == attempt_state::running || at->state == attempt_state::granted))
        return one_line(text + ": " + live_words(file, step, *at, around) + host_words(around));
  if (build.cancel_requested)
    return one_line(text + host_words(around));
  auto where = build.host.value.empty() ? std::string{"its host"} : build.host.value;
  auto next = std::find_if(file.steps.begin(), file.steps.end(), [](const step_record& step) {
    return step.state != step_state::finished;
  });
  if (next != file.steps.end())
    return one_line(text + " on " + where + ", between two steps: next is step "
                    + in_quotes(next->name) + host_words(around));
  auto waits =
    around.short_of_room.empty() ? std::string{} : ", which waits: " + around.short_of_room;
  return one_line(text + " its last: all steps are over, and " + where
                  + " hands over what is to be kept" + host_words(around) + waits);
}

// -- evidence ------------------------------------------------------------------------------------

void add_attempts(const build_file& file, std::vector<std::string>& out) {
  size_t left_out = 0;
  size_t told = 0;
  for (const auto& step : file.steps) {
    for (const auto& attempt : step.attempts)
      if (told++ < limits::evidence_attempts_max)
        out.push_back(attempt_line(step, attempt));
      else
        ++left_out;
    if (step.attempts.empty() && step.state == step_state::finished)
      out.push_back(one_line("step " + in_quotes(step.name) + ": " + plain(step.outcome)
                             + (step.reason.empty() ? "" : ": " + step.reason)));
  }
  if (left_out > 0)
    out.push_back("and " + counted(left_out, "more attempt"));
}

/// What a person may do about a limit that was met: the keeper's words name it.
void add_advice(const step_record& step, std::vector<std::string>& out) {
  struct advice {
    const char* words;
    const char* key;
  };
  static constexpr advice known[] = {
    {"ran longer than ", "timeout"},   {"printed nothing for ", "silence"},
    {"memory limit", "limits.memory"}, {" processes", "limits.pids"},
    {"of a step's log", "limits.log"}, {" of the disk, its limit", "limits.disk"},
  };
  const auto* attempt = telling_attempt(step);
  const auto& reason = step.reason.empty() && attempt != nullptr ? attempt->reason : step.reason;
  for (const auto& each : known)
    if (reason.find(each.words) != std::string::npos
        && (step.outcome == result::timeout || step.outcome == result::failure)) {
      out.push_back("if that is what it needs, raise `" + std::string{each.key} + "` of step "
                    + in_quotes(step.name) + " in the configuration");
      return;
    }
}

void add_usage(const step_record& step, std::vector<std::string>& out) {
  const auto* attempt = telling_attempt(step);
  if (attempt == nullptr || attempt->usage == resource_usage{})
    return;
  const auto& used = attempt->usage;
  std::vector<std::string> parts;
  if (used.memory_peak >= 1024 * 1024)
    parts.push_back(std::to_string(used.memory_peak / (1024 * 1024)) + " MiB of memory at most");
  if (used.pids_peak > 0)
    parts.push_back(std::to_string(used.pids_peak)
                    + (used.pids_peak == 1 ? " process at most" : " processes at most"));
  if (used.disk_peak >= 1024 * 1024)
    parts.push_back(std::to_string(used.disk_peak / (1024 * 1024)) + " MiB of disk at most");
  if (used.user_ms + used.system_ms > 0)
    parts.push_back(spoken(milliseconds{used.user_ms + used.system_ms}) + " of CPU time");
  if (!parts.empty())
    out.push_back("step " + in_quotes(step.name) + " used " + joined(parts, ", "));
}

std::string ended_shortly(const build_record& build) {
  return subject_of(build) + (build.host.value.empty() ? "" : " on " + build.host.value) + ": "
         + plain(build.outcome);
}

/// Whose fault it was, and who was asked.
void add_blame(const build_record& build, const build_surroundings& around,
               std::vector<std::string>& out) {
  if (build.fault != blame::none)
    out.push_back(one_line("whose fault: " + blame_words(build.fault)
                           + (build.fault_evidence.empty() ? "" : ": " + build.fault_evidence)));
  else if (!build.fault_evidence.empty())
    out.push_back(one_line("whose fault is not clear: " + build.fault_evidence));
  for (const auto& other : around.opinions) {
    auto on = other.host.value.empty() ? other.pinned.value : other.host.value;
    out.push_back("second opinion: build " + to_string(other.id) + (on.empty() ? "" : " on " + on)
                  + ": "
                  + (other.state == build_state::finished ? plain(other.outcome)
                                                          : std::string{"is not over yet"}));
  }
}

void add_neighbours(const build_record& build, const build_surroundings& around,
                    std::vector<std::string>& out) {
  size_t same = 0;
  std::vector<std::string> lines;
  for (const auto& other : around.elsewhere) {
    same += other.outcome == build.outcome ? 1 : 0;
    if (lines.size() < limits::neighbours_named_max)
      lines.push_back(
        "the same elsewhere: "
        + one_line(ended_shortly(other) + (other.reason.empty() ? "" : ": " + other.reason)));
  }
  if (!around.elsewhere.empty())
    out.push_back("of " + counted(around.elsewhere.size(), "other build")
                  + " of the same builder and source, " + std::to_string(same)
                  + " ended the same way");
  out.insert(out.end(), lines.begin(), lines.end());
  if (around.last_good)
    out.push_back(
      "last good: " + subject_of(*around.last_good)
      + (around.last_good->host.value.empty() ? "" : " on " + around.last_good->host.value)
      + (around.last_good->source.id.empty()
           ? ""
           : " from " + printable(around.last_good->source.id, 100))
      + ", " + moment(around.last_good->finished_at));
  else if (around.searched > 0)
    out.push_back("no build of " + build.builder + " before it was good ("
                  + std::to_string(around.searched) + " looked at)");
}

void add_history(const build_record& build, const build_surroundings& around,
                 std::vector<std::string>& out) {
  std::vector<std::string> chain;
  for (auto id : around.retry_chain)
    chain.push_back(to_string(id));
  if (!chain.empty())
    out.push_back("it repeats build " + joined(chain, ", which repeats "));
  else if (build.retry_of.value != 0)
    out.push_back("it repeats build " + to_string(build.retry_of));
  if (build.opinion_of.value != 0)
    out.push_back("it is a second opinion on build " + to_string(build.opinion_of));
  for (auto id : around.retried_by)
    out.push_back("it is repeated by build " + to_string(id));
  if (build.generation != 0 && around.generation > build.generation)
    out.push_back("its recipe is of configuration " + std::to_string(build.generation)
                  + "; in force is " + std::to_string(around.generation));
  if (!build.requested_by.empty())
    out.push_back(
      one_line("asked for by " + build.requested_by
               + (build.requested_because.empty() ? "" : ": " + build.requested_because)));
}

bool is_bad(result outcome) {
  return outcome == result::failure || outcome == result::timeout || outcome == result::exception
         || outcome == result::warnings || outcome == result::host_lost;
}

void explain_end(const build_file& file, const build_surroundings& around, explanation& out) {
  const auto& build = file.build;
  auto why = build.reason.empty() ? why_ended(file, build.outcome) : build.reason;
  out.sentence = finished_sentence(build, why);
  if (!is_bad(build.outcome))
    return;
  add_blame(build, around, out.evidence);
  if (const auto* step = culprit(file, build.outcome)) {
    auto error = first_error(around.log_tail);
    if (!error.line.empty() && out.sentence.find(error.line) == std::string::npos)
      out.sentence = one_line(out.sentence + ": " + error.line);
    if (!error.context.empty())
      out.evidence.push_back("the log of step " + in_quotes(step->name) + ":");
    for (const auto& line : error.context)
      out.evidence.push_back("| " + line);
    add_advice(*step, out.evidence);
    add_usage(*step, out.evidence);
  }
  add_neighbours(build, around, out.evidence);
}

} // namespace

std::string build_sentence(const build_record& build) {
  switch (build.state) {
  case build_state::queued:
  case build_state::waiting:
    return waiting_sentence(build);
  case build_state::running:
    return one_line(subject_of(build)
                    + (build.cancel_requested ? " is being cancelled" : " is running")
                    + (build.host.value.empty() ? "" : " on " + build.host.value));
  case build_state::finished:
    return finished_sentence(build, build.reason);
  }
  return subject_of(build);
}

explanation explain_build(const build_file& file, const waiting_view* now,
                          const build_surroundings& around) {
  explanation out;
  auto record = file.build;
  if (record.state == build_state::finished) {
    explain_end(file, around, out);
  } else {
    // The coordinator's word is newer than the record, but for an end.
    if (now != nullptr && now->state != build_state::finished)
      record.state = now->state;
    if (now != nullptr && !now->reason.empty())
      record.reason = now->reason;
    out.sentence = record.state == build_state::running ? running_sentence(file, around)
                                                        : waiting_sentence(record);
    if (now != nullptr)
      for (const auto& text : now->evidence)
        out.evidence.push_back(one_line(text));
    if (record.state == build_state::running && !around.short_of_room.empty()
        && out.sentence.find(around.short_of_room) == std::string::npos)
      out.evidence.push_back(one_line("what its host hands over waits: " + around.short_of_room));
  }
  add_attempts(file, out.evidence);
  if (!file.build.artifact_problem.empty())
    out.evidence.push_back(one_line("artifacts: " + file.build.artifact_problem));
  add_history(file.build, around, out.evidence);
  for (const auto& problem : around.problems)
    out.evidence.push_back(one_line(problem));
  return out;
}

} // namespace drover::core
