// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::http {

namespace {

/// Whether the reason tells anything beside the exit code, which is told already.
bool says_more(const std::string& reason, int32_t exit_code) {
  return !reason.empty() && reason != "exit code " + std::to_string(exit_code);
}

std::string quoted(const std::string& name) {
  return "'" + printable(name, 80) + "'";
}

std::string line(std::string_view text) {
  return printable(text, limits::reason_bytes_max);
}

std::string plain(result outcome) {
  std::string text{to_string(outcome)};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// "3.2 s" or "2 min 5 s" between two moments; empty if one is not known.
std::string span(wall_time from, wall_time to) {
  if (from.ms == 0 || to.ms < from.ms)
    return "";
  auto ms = to.ms - from.ms;
  if (ms < 60'000)
    return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
  auto seconds = ms / 1000;
  if (seconds < 3600)
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds % 3600 / 60) + " min";
}

/// The attempt whose result stands, else the last one that could decide.
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

std::string attempt_line(const step_record& step, const attempt_record& attempt) {
  auto text = "step " + quoted(step.name) + ", attempt " + std::to_string(attempt.number.value)
              + " on " + attempt.host.value + ": ";
  if (attempt.state == attempt_state::granted)
    text += "granted at " + to_string(attempt.granted_at) + ", not confirmed by the host yet";
  else if (attempt.state == attempt_state::running)
    text += "running since " + to_string(attempt.started_at);
  else if (attempt.state == attempt_state::lost)
    text += "lost";
  else
    text += plain(attempt.outcome);
  if (attempt.exit_code >= 0)
    text += ", exit code " + std::to_string(attempt.exit_code);
  auto took = span(attempt.started_at, attempt.finished_at);
  if (!took.empty())
    text += ", after " + took;
  if (says_more(attempt.reason, attempt.exit_code))
    text += ": " + attempt.reason;
  return line(text);
}

void add_steps(const build_file& file, explanation& out) {
  for (const auto& step : file.steps) {
    for (const auto& attempt : step.attempts)
      out.evidence.push_back(attempt_line(step, attempt));
    if (step.attempts.empty() && step.state == step_state::finished)
      out.evidence.push_back(line("step " + quoted(step.name) + ": " + plain(step.outcome)
                                  + (step.reason.empty() ? "" : ": " + step.reason)));
  }
}

/// How a step ended badly, as the middle of a sentence.
std::string ending(const step_record& step) {
  auto* attempt = telling_attempt(step);
  auto text = "step " + quoted(step.name);
  switch (step.outcome) {
  case result::failure:
    text += " failed";
    break;
  case result::timeout:
    text += " ran out of time";
    break;
  case result::host_lost:
    text += " lost its host";
    break;
  case result::exception:
    text += " could not be run to its end";
    break;
  default:
    text += " ended with " + plain(step.outcome);
  }
  if (attempt)
    text += " on " + attempt->host.value;
  if (step.exit_code > 0)
    text += " with exit code " + std::to_string(step.exit_code);
  auto& reason = step.reason.empty() && attempt ? attempt->reason : step.reason;
  if (says_more(reason, step.exit_code))
    text += ": " + reason;
  return text;
}

/// The first step that ended with `outcome`; for warnings, the first that did not end well.
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

std::string subject(const build_record& build) {
  return "build " + to_string(build.id) + " of " + printable(build.builder, 80);
}

std::string finished_sentence(const build_file& file) {
  const auto& build = file.build;
  auto took = span(build.started_at, build.finished_at);
  if (build.outcome == result::success)
    return subject(build) + " succeeded"
           + (build.host.value.empty() ? "" : " on " + build.host.value)
           + (took.empty() ? "" : " in " + took);
  if (build.outcome == result::cancelled) {
    auto& why = build.cancel_reason.empty() ? build.reason : build.cancel_reason;
    return subject(build) + " was cancelled" + (why.empty() ? "" : ": " + why);
  }
  if (build.outcome == result::skipped)
    return subject(build) + " was skipped" + (build.reason.empty() ? "" : ": " + build.reason);
  auto* step = culprit(file, build.outcome);
  auto what = step ? ending(*step) : build.reason;
  auto text = subject(build);
  switch (build.outcome) {
  case result::warnings:
    text += " has warnings";
    break;
  case result::failure:
    text += " failed";
    break;
  case result::timeout:
    text += " ran out of time";
    break;
  case result::host_lost:
    text += " lost its host";
    break;
  case result::exception:
    text += " ended by a fault of the farm, not of the source";
    break;
  default:
    text += " ended with " + plain(build.outcome);
  }
  return text + (what.empty() ? "" : ": " + what);
}

std::string running_sentence(const build_file& file) {
  const auto& build = file.build;
  auto text = subject(build);
  auto ends = build.cancel_requested ? " is being cancelled: " + build.cancel_reason : "";
  for (const auto& step : file.steps) {
    for (auto at = step.attempts.rbegin(); at != step.attempts.rend(); ++at) {
      if (at->state == attempt_state::running)
        return text + (ends.empty() ? " is running" : ends) + "; step " + quoted(step.name)
               + " runs on " + at->host.value + " since " + to_string(at->started_at)
               + (at->number.value > 1 ? " (attempt " + std::to_string(at->number.value) + ")"
                                       : "");
      if (at->state == attempt_state::granted)
        return text + (ends.empty() ? " is running" : ends) + "; step " + quoted(step.name)
               + " was sent to " + at->host.value + " at " + to_string(at->granted_at)
               + ", which has not started it yet";
    }
  }
  auto open = std::any_of(file.steps.begin(), file.steps.end(), [](const step_record& step) {
    return step.state != step_state::finished;
  });
  if (!ends.empty())
    return text + ends;
  auto where = build.host.value.empty() ? std::string{"its host"} : build.host.value;
  return text
         + (open ? " is on " + where + ", between two steps"
                 : " has run all its steps; " + where + " is handing over what is to be kept");
}

std::string host_tail(const host_view& host) {
  return host.reason.empty() ? "" : ": " + host.reason;
}

} // namespace

explanation explain_build(const build_file& file, const waiting_view* now) {
  explanation out;
  auto state = now ? now->state : file.build.state;
  if (file.build.state == build_state::finished) {
    out.reason = line(finished_sentence(file));
  } else if (state == build_state::running) {
    out.reason = line(running_sentence(file));
    if (now && !now->reason.empty())
      out.evidence.push_back(line(now->reason));
  } else {
    auto why = now && !now->reason.empty() ? now->reason : file.build.reason;
    if (why.empty())
      why = "it starts as soon as a slot is free";
    out.reason = line(subject(file.build)
                      + (state == build_state::queued ? " is queued: " : " waits: ") + why);
  }
  if (now)
    for (const auto& text : now->evidence)
      out.evidence.push_back(line(text));
  add_steps(file, out);
  return out;
}

explanation explain_host(const host_view& host) {
  explanation out;
  auto name = "host " + printable(host.record.name.value, 80);
  auto silence = host.last_seen_ms < 0
                   ? std::string{"it has not been heard of since the coordinator started"}
                   : "last heard of " + std::to_string(host.last_seen_ms) + " ms ago";
  switch (host.state) {
  case host_state::up:
    out.reason = name + " is up; " + std::to_string(host.slots_used) + " of "
                 + std::to_string(host.record.slots) + " slots are in use" + host_tail(host);
    break;
  case host_state::joining:
    out.reason = name + " is joining" + host_tail(host);
    break;
  case host_state::suspect:
    out.reason = name + " is silent and gets no new work" + host_tail(host);
    break;
  case host_state::lost:
    out.reason = name + " is lost" + host_tail(host);
    break;
  case host_state::draining:
    out.reason = name + " is draining: it ends what it has and gets no new work" + host_tail(host);
    break;
  case host_state::paused:
    out.reason = name + " is paused" + host_tail(host);
    break;
  case host_state::quarantined:
    out.reason = name + " is quarantined" + host_tail(host);
    break;
  }
  out.reason = line(out.reason);
  out.evidence.push_back(line(silence));
  if (host.record.last_seen.ms != 0)
    out.evidence.push_back("last seen at " + to_string(host.record.last_seen));
  for (const auto& attempt : host.attempts)
    out.evidence.push_back("holds attempt " + to_string(attempt) + " (build/step/attempt)");
  if (host.record.restarts > 0)
    out.evidence.push_back("its agent was restarted " + std::to_string(host.record.restarts)
                           + (host.record.restarts == 1 ? " time" : " times"));
  return out;
}

result worse(result a, result b) {
  // From best to worst: what a person must look at first comes last.
  static constexpr result order[] = {result::none,      result::skipped,   result::success,
                                     result::warnings,  result::cancelled, result::host_lost,
                                     result::exception, result::timeout,   result::failure};
  auto rank = [](result value) {
    return std::find(std::begin(order), std::end(order), value) - std::begin(order);
  };
  return rank(a) < rank(b) ? b : a;
}

campaign_verdict judge_campaign(const std::vector<build_record>& builds) {
  campaign_verdict out{build_state::finished, result::none};
  for (const auto& build : builds) {
    if (build.state != build_state::finished)
      out.state = build_state::running;
    out.outcome = worse(out.outcome, build.outcome);
  }
  if (out.state == build_state::running)
    out.outcome = result::none;
  else if (out.outcome == result::none)
    out.outcome = result::skipped;
  return out;
}

} // namespace drover::http
