// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/json.hpp"

#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

json time_or_null(wall_time when) {
  if (when.ms == 0)
    return nullptr;
  return to_string(when);
}

json text_or_null(const std::string& text) {
  if (text.empty())
    return nullptr;
  return text;
}

json result_or_null(result value) {
  if (value == result::none)
    return nullptr;
  return std::string{to_string(value)};
}

namespace {

json id_or_null(build_id build) {
  if (build.value == 0)
    return nullptr;
  return build.value;
}

json exit_or_null(int32_t code) {
  if (code < 0)
    return nullptr;
  return code;
}

json campaign_or_null(campaign_id id) {
  if (id.value == 0)
    return nullptr;
  return to_string(id);
}

json number_or_null(uint64_t value) {
  if (value == 0)
    return nullptr;
  return value;
}

json map_of(const string_map& map) {
  auto out = json::object();
  for (const auto& [name, value] : map)
    out[name] = value;
  return out;
}

/// How far a host can be trusted, as long as its state is all that is known of it.
std::string health_of(host_state state) {
  switch (state) {
  case host_state::up:
  case host_state::draining:
  case host_state::paused:
    return "good";
  case host_state::suspect:
    return "doubtful";
  case host_state::quarantined:
    return "bad";
  case host_state::lost:
    return "gone";
  case host_state::joining:
    return "unknown";
  }
  return "unknown";
}

} // namespace

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json json_of(const source_ref& source) {
  json out{{"kind", std::string{to_string(source.kind)}}, {"id", source.id}};
  if (!source.sha256.empty())
    out["sha256"] = source.sha256;
  if (!source.revision.empty())
    out["revision"] = source.revision;
  out["size"] = source.size;
  return out;
}

json json_of(const artifact_ref& artifact) {
  return {{"path", artifact.path}, {"sha256", artifact.sha256}, {"size", artifact.size}};
}

json json_of(const actor_entry& actor) {
  return {{"node", actor.node},           {"name", actor.name},
          {"kind", actor.kind},           {"parent", text_or_null(actor.parent)},
          {"state", actor.state},         {"restarts", actor.restarts},
          {"uptime_ms", actor.uptime_ms}, {"activity", actor.activity}};
}

json json_of(const host_hold& hold) {
  if (hold.kind == hold_kind::none)
    return nullptr;
  return {{"kind", std::string{to_string(hold.kind)}},
          {"by", hold.by},
          {"reason", hold.reason},
          {"since", time_or_null(hold.since)},
          {"until", time_or_null(hold.until)}};
}

json json_of(const ladder_record& ladder) {
  if (ladder.rung == ladder_rung::none && ladder.note.empty())
    return nullptr;
  return {{"rung", std::string{to_string(ladder.rung)}},
          {"tries", ladder.tries},
          {"last_run_at", time_or_null(ladder.runs.empty() ? wall_time{} : ladder.runs.back())},
          {"note", ladder.note}};
}

json json_of(const host_view& host) {
  bool away = host.state == host_state::lost || host.state == host_state::joining;
  bool retired = host.record.stage == host_stage::retired && away;
  auto attempts = json::array();
  for (const auto& attempt : host.attempts)
    attempts.push_back({{"build", attempt.build.value},
                        {"step", attempt.step.value},
                        {"attempt", attempt.attempt.value}});
  return {{"name", host.record.name.value},
          {"state", retired ? "retired" : std::string{to_string(host.state)}},
          {"stage", std::string{to_string(host.record.stage)}},
          {"stage_note", text_or_null(host.record.stage_note)},
          {"reason", host.reason},
          {"slots", {{"total", host.record.slots}, {"used", host.slots_used}}},
          {"facts", map_of(host.record.facts)},
          {"labels", map_of(host.record.labels)},
          {"health", health_of(host.state)},
          {"restarts", host.record.restarts},
          {"last_seen_ms", host.last_seen_ms},
          {"last_seen_at", time_or_null(host.record.last_seen)},
          {"first_seen_at", time_or_null(host.record.first_seen)},
          {"version", host.record.version},
          {"hold", json_of(host.record.hold)},
          {"ladder", json_of(host.record.ladder)},
          {"attempts", attempts}};
}

json json_of(const build_record& build) {
  return {{"id", build.id.value},
          {"builder", build.builder},
          {"state", std::string{to_string(build.state)}},
          {"result", result_or_null(build.outcome)},
          {"reason", build.reason},
          {"source", json_of(build.source)},
          {"campaign", campaign_or_null(build.campaign)},
          {"host", text_or_null(build.host.value)},
          {"pinned", text_or_null(build.pinned.value)},
          {"params", map_of(build.params)},
          {"requested_by", build.requested_by},
          {"requested_because", build.requested_because},
          {"cancel_requested", build.cancel_requested},
          {"artifacts", build.artifacts.size()},
          {"artifacts_dropped", build.artifacts_dropped},
          {"retry_of", number_or_null(build.retry_of.value)},
          {"opinion_of", number_or_null(build.opinion_of.value)},
          {"fault",
           build.fault == blame::none ? json(nullptr) : json(std::string{to_string(build.fault)})},
          {"fault_evidence", text_or_null(build.fault_evidence)},
          {"generation", number_or_null(build.generation)},
          {"created_at", time_or_null(build.created_at)},
          {"started_at", time_or_null(build.started_at)},
          {"finished_at", time_or_null(build.finished_at)}};
}

json json_of(const resource_usage& usage) {
  return {{"user_ms", usage.user_ms},
          {"system_ms", usage.system_ms},
          {"memory_peak", usage.memory_peak},
          {"pids_peak", usage.pids_peak},
          {"disk_peak", usage.disk_peak}};
}

json json_of(const attempt_record& attempt) {
  return {{"number", attempt.number.value},
          {"host", attempt.host.value},
          {"epoch", attempt.granted_in.counter},
          {"state", std::string{to_string(attempt.state)}},
          {"result", result_or_null(attempt.outcome)},
          {"exit_code", exit_or_null(attempt.exit_code)},
          {"reason", attempt.reason},
          {"role", attempt.role == attempt_role::counts ? "counts" : "repeats"},
          {"hedge", attempt.hedge},
          {"placement", attempt.placement},
          {"log_bytes", attempt.log_bytes},
          {"usage", json_of(attempt.usage)},
          {"leftovers", text_or_null(attempt.leftovers)},
          {"reused_from", id_or_null(attempt.reused_from)},
          {"cache_note", text_or_null(attempt.cache_note)},
          {"granted_at", time_or_null(attempt.granted_at)},
          {"started_at", time_or_null(attempt.started_at)},
          {"finished_at", time_or_null(attempt.finished_at)}};
}

json json_of(const step_record& step) {
  auto attempts = json::array();
  for (const auto& attempt : step.attempts)
    attempts.push_back(json_of(attempt));
  json accepted = nullptr;
  if (step.accepted.value != 0)
    accepted = step.accepted.value;
  return {{"name", step.name},
          {"index", step.index.value},
          {"state", std::string{to_string(step.state)}},
          {"result", result_or_null(step.outcome)},
          {"exit_code", exit_or_null(step.exit_code)},
          {"reason", step.reason},
          {"accepted", accepted},
          {"attempts", attempts}};
}

json json_of(const build_file& file) {
  auto out = json_of(file.build);
  auto steps = json::array();
  for (const auto& step : file.steps)
    steps.push_back(json_of(step));
  out["steps"] = steps;
  return out;
}

json json_of(const campaign_record& campaign, const campaign_verdict& verdict) {
  return {{"id", to_string(campaign.id)},
          {"source", json_of(campaign.source)},
          {"state", std::string{to_string(verdict.state)}},
          {"result", result_or_null(verdict.outcome)},
          {"requested_by", campaign.requested_by},
          {"requested_because", campaign.requested_because},
          {"created_at", time_or_null(campaign.created_at)}};
}

json json_of(const campaign_cell& cell, const build_record* build) {
  json out{{"builder", cell.builder},
           {"host", text_or_null(cell.host.value)},
           {"class", text_or_null(cell.host_class)}};
  if (build) {
    out["build"] = build->id.value;
    out["state"] = std::string{to_string(build->state)};
    out["result"] = result_or_null(build->outcome);
    out["reason"] = build->reason;
    if (cell.host.value.empty())
      out["placed_on"] = text_or_null(build->host.value);
  } else {
    out["build"] = nullptr;
    out["state"] = nullptr;
    out["result"] = nullptr;
    out["reason"] = cell.reason;
  }
  return out;
}

json json_of(const explanation& why) {
  return {{"reason", why.sentence}, {"evidence", why.evidence}};
}

} // namespace drover::http
