// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"

#include "actors/core/notices.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

namespace drover::core {

namespace {

const attempt_record* attempt_before(const build_file& before, size_t step, attempt_number number) {
  if (step >= before.steps.size())
    return nullptr;
  for (const auto& attempt : before.steps[step].attempts)
    if (attempt.number == number)
      return &attempt;
  return nullptr;
}

event_record about_step(event_kind kind, const build_file& file, const step_record& step,
                        wall_time at) {
  auto event = about_build(kind, file.build, at);
  event.step = step.name;
  return event;
}

/// An attempt that was not running before and is, or was not lost before and is.
void add_attempts(const build_file& before, const build_file& after, const step_record& step,
                  wall_time at, std::vector<event_record>& out) {
  for (const auto& attempt : step.attempts) {
    const auto* known = attempt_before(before, step.index.value, attempt.number);
    auto was = known == nullptr ? attempt_state::granted : known->state;
    if (attempt.state == was)
      continue;
    bool has_begun = attempt.state == attempt_state::running
                     || (attempt.state == attempt_state::finished && was == attempt_state::granted);
    if (!has_begun && attempt.state != attempt_state::lost)
      continue;
    if (attempt.outcome == result::cancelled && !has_begun)
      continue; // given up for another one, whose result the journal tells
    auto event =
      about_step(has_begun ? event_kind::step_started : event_kind::attempt_lost, after, step, at);
    event.host = attempt.host;
    event.attempt = attempt.number;
    event.state = has_begun ? "running" : "lost";
    event.text = has_begun ? "" : attempt.reason;
    out.push_back(std::move(event));
  }
}

/// That the result which stands came from the step cache.
void add_reuse(const build_file& after, const step_record& step, wall_time at,
               std::vector<event_record>& out) {
  for (const auto& attempt : step.attempts)
    if (attempt.number == step.accepted && attempt.reused_from.value != 0) {
      auto event = about_step(event_kind::step_reused, after, step, at);
      event.host = attempt.host;
      event.attempt = attempt.number;
      event.text = attempt.cache_note;
      out.push_back(std::move(event));
    }
}

} // namespace

event_record about_build(event_kind kind, const build_record& build, wall_time at) {
  event_record event;
  event.kind = kind;
  event.at = at;
  event.build = build.id;
  event.campaign = build.campaign;
  event.builder = build.builder;
  return event;
}

event_record about_host(event_kind kind, const host_name& host, const std::string& text,
                        wall_time at) {
  event_record event;
  event.kind = kind;
  event.at = at;
  event.host = host;
  event.text = printable(text, limits::reason_bytes_max);
  return event;
}

std::vector<event_record> build_events(const build_file& before, const build_file& after,
                                       wall_time at) {
  std::vector<event_record> out;
  const auto& build = after.build;
  if (before.build.id.value == 0) {
    auto event = about_build(event_kind::build_submitted, build, at);
    event.host = build.pinned;
    event.state = "queued";
    event.by = build.requested_by;
    event.text = build.requested_because;
    out.push_back(std::move(event));
  }
  if (build.placement > before.build.placement) {
    auto event = about_build(event_kind::build_started, build, at);
    event.host = build.host;
    event.state = "running";
    out.push_back(std::move(event));
  }
  for (const auto& step : after.steps) {
    add_attempts(before, after, step, at, out);
    auto index = step.index.value;
    auto was = index < before.steps.size() ? before.steps[index].state : step_state::pending;
    if (step.state != step_state::finished || was == step_state::finished)
      continue;
    add_reuse(after, step, at, out);
    auto event = about_step(event_kind::step_finished, after, step, at);
    event.host = build.host;
    event.attempt = step.accepted;
    event.state = "finished";
    event.outcome = step.outcome;
    event.text = step.reason;
    out.push_back(std::move(event));
  }
  if (build.state == build_state::finished && before.build.state != build_state::finished) {
    auto event = about_build(event_kind::build_finished, build, at);
    event.host = build.host;
    event.state = "finished";
    event.outcome = build.outcome;
    event.text = build.reason;
    out.push_back(std::move(event));
  }
  return out;
}

event_record campaign_event(event_kind kind, const campaign_record& campaign) {
  event_record event;
  event.kind = kind;
  event.at = campaign.created_at;
  event.campaign = campaign.id;
  event.by = campaign.requested_by;
  event.text = campaign.source.id + (campaign.source.id.empty() ? "" : ": ")
               + std::to_string(campaign.cells.size()) + " cells";
  return event;
}

bool is_campaign_news(const event_record& event) {
  return event.campaign.value != 0
         && (event.kind == event_kind::build_finished
             || event.kind == event_kind::campaign_finished);
}

std::set<campaign_id> ends_not_told(const std::vector<event_record>& journal) {
  std::set<campaign_id> open;
  for (const auto& event : journal) {
    if (event.kind == event_kind::campaign_finished)
      open.erase(event.campaign);
    else if (is_campaign_news(event))
      open.insert(event.campaign);
  }
  return open;
}

event_record change_event(const change_record& change, wall_time at) {
  event_record event;
  event.kind = event_kind::change_seen;
  event.at = at;
  event.campaign = change.campaign;
  if (change.builds.size() == 1)
    event.build = change.builds.front();
  event.text = "source " + change.source + ": " + printable(change.title, limits::value_bytes_max);
  if (!change.author.empty())
    event.text += " by " + printable(author_name(change.author), limits::name_bytes_max);
  if (!change.note.empty())
    event.text += " (" + change.note + ")";
  event.text = printable(event.text, limits::reason_bytes_max);
  return event;
}

event_record host_event(const host_name& host, host_state state, const std::string& reason,
                        wall_time at) {
  auto event = about_host(event_kind::host_changed, host, reason, at);
  event.state = to_string(state);
  return event;
}

bool is_told(host_state before, host_state after) {
  return before != after && after != host_state::suspect && after != host_state::joining;
}

event_record misconduct_event(const host_name& host, const std::string& what, wall_time at) {
  return about_host(event_kind::host_misbehaved, host, what, at);
}

event_record host_order_event(const host_name& host, const std::string& by, const std::string& text,
                              wall_time at) {
  auto event = about_host(event_kind::host_ordered, host, text, at);
  event.by = by;
  return event;
}

} // namespace drover::core
