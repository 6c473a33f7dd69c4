// SPDX-License-Identifier: Apache-2.0
#include "actors/core/probation.hpp"

#include "actors/core/liveness.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

constexpr const char* must_pass = "; a canary must pass there first";

bool is_by_token(const arrival_case& of) {
  return of.identity && !of.identity->valid.empty();
}

/// Renewals leave two certificates that hold, a token one alone.
bool joined_anew(const arrival_case& of) {
  return is_by_token(of) && of.identity->valid.size() == 1
         && of.identity->valid.front().at > of.known.last_seen;
}

stage_decision on_probation(const std::string& why) {
  return {host_stage::probation, why + must_pass};
}

} // namespace

std::optional<stage_decision> stage_on_arrival(const arrival_case& of) {
  if (of.is_configured) {
    if (of.known.stage == host_stage::trusted)
      return std::nullopt;
    return stage_decision{host_stage::trusted, "the configuration names it"};
  }
  if (of.known.stage == host_stage::probation)
    return std::nullopt;
  if (of.known.stage == host_stage::retired)
    return on_probation("it came back from retirement at " + to_string(of.now));
  if (!is_by_token(of))
    return std::nullopt;
  auto at = to_string(of.identity->valid.front().at);
  if (of.known.first_seen.ms == 0)
    return on_probation("it joined by a token at " + at);
  if (joined_anew(of))
    return on_probation("it joined anew, by a token, at " + at);
  return std::nullopt;
}

std::optional<stage_decision> stage_on_other_machine(const arrival_case& of,
                                                     const std::string& machine_id) {
  bool same = of.known.machine_id.empty() || of.known.machine_id == machine_id;
  if (same || of.is_configured || !is_by_token(of) || of.known.stage != host_stage::trusted)
    return std::nullopt;
  return on_probation("its key came with another state folder at " + to_string(of.now)
                      + ", as if it was taken to another machine");
}

std::optional<stage_decision> retirement(const host_view& host, const silence_case& of) {
  bool away = host.state == host_state::lost || host.state == host_state::joining;
  const auto& record = host.record;
  if (!away || of.is_configured || record.stage == host_stage::retired || record.first_seen.ms == 0)
    return std::nullopt;
  auto since = std::max(of.last_heard, record.last_seen);
  auto patience = of.retire_after.count() > 0 ? of.retire_after : limits::retire_after;
  if (of.now.ms - since.ms < patience.count())
    return std::nullopt;
  return stage_decision{host_stage::retired,
                        "it was last seen at " + to_string(since) + ", more than "
                          + spoken(patience)
                          + " ago; when it comes back, a canary must pass there first"};
}

event_record stage_event(const host_name& host, const stage_decision& decided,
                         const std::string& by, wall_time at) {
  event_record event;
  event.kind = event_kind::host_stage_changed;
  event.at = at;
  event.host = host;
  event.state = std::string{to_string(decided.stage)};
  event.by = by;
  event.text = printable(decided.note, limits::reason_bytes_max);
  return event;
}

std::optional<stage_decision> decision_of(const event_record& event) {
  if (event.kind != event_kind::host_stage_changed)
    return std::nullopt;
  for (auto stage : {host_stage::trusted, host_stage::probation, host_stage::retired})
    if (event.state == to_string(stage))
      return stage_decision{stage, event.text};
  return std::nullopt;
}

} // namespace drover::core
