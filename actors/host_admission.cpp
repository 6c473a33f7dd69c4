// Who may join under a host's name: the supervisor's dealings with arrivals and second agents.
// SPDX-License-Identifier: Apache-2.0
#include "actors/host_supervisor.hpp"
#include "schema/limits.hpp"
#include "schema/limits_trust.hpp"
#include "schema/limits_workspaces.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <spdlog/spdlog.h>

namespace drover {
namespace {

core::agent_identity identity_of(const hello& greeting) {
  return {greeting.machine_id, greeting.boot_id, greeting.agent_incarnation};
}

} // namespace

void host_supervisor_state::arrive(const arrival& request) {
  std::optional<core::incumbent> present;
  if (link && agent)
    present = core::incumbent{*agent, now() - heard};
  auto why = core::refuse_agent(record.name.value, present, identity_of(request.greeting),
                                pace.silence.suspect_after);
  if (why)
    refuse(request, *why);
  else
    admit(request);
}

void host_supervisor_state::refuse(const arrival& request, const std::string& why) {
  self->send(request.link, farm_message{refusal{why}});
  auto newcomer = identity_of(request.greeting);
  bool again = rival && rival->agent == newcomer;
  if (!again) {
    if (may_log())
      spdlog::warn("host refused host={} machine={} boot={} reason=\"{}\"", record.name.value,
                   newcomer.machine_id, newcomer.boot_id, why);
    rival = second_agent{newcomer, why, now(), now()};
  }
  rival->last = now();
  if (state == host_state::up)
    reason = reason_when_up();
  announce();
}

void host_supervisor_state::admit(const arrival& request) {
  const auto& greeting = request.greeting;
  if (link)
    self->send_exit(link, caf::exit_reason::kill);
  take_over(greeting);
  pace = core::pace_for(request.herd);
  link = request.link;
  self->monitor(link);
  self->send(farm.census, enlistment{"host_link/" + record.name.value, "host_link",
                                     "host_supervisor/" + record.name.value, link});
  ++session.value;
  last_sequence = 0;
  pieces_open = 0;
  heard = now();
  ever_heard = true;
  self->send(link, host_listener{self});
  tell(welcome{farm.now, session, pace.beat_every, pace.silence.lease});
  storage::write_batch batch;
  storage::put_host(batch, record);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  if (may_log())
    spdlog::info("host joined host={} session={} known={}", record.name.value, session.value,
                 greeting.known.size());
  state = host_state::up;
  reason = reason_when_up();
  for (auto& [token, open] : orders)
    open.sent = milliseconds{-1}; // what was under way on the old connection may be lost with it
  settle(greeting.known);
  for (auto& [build, open] : closes)
    open.sent = milliseconds{-1};
  for (auto& [token, open] : cancels)
    open.sent = milliseconds{-1};
  repeat_orders();
  announce();
}

void host_supervisor_state::take_over(const hello& greeting) {
  bool known_agent = agent || record.first_seen.ms != 0;
  if (agent && agent->incarnation != greeting.agent_incarnation)
    ++record.restarts;
  if (!known_agent)
    record.first_seen = farm.clock();
  agent = identity_of(greeting);
  if (rival && rival->agent == *agent)
    rival.reset(); // the one before it has died meanwhile
  // Grants of before are void on another machine, and after a reboot, which a loss of power may
  // have been: what it does not list, it never will. Ordered anew they might run again under the
  // same token.
  bool another = !record.machine_id.empty() && record.machine_id != greeting.machine_id;
  bool rebooted = !record.boot_id.empty() && record.boot_id != greeting.boot_id;
  if (another || rebooted)
    for (auto& [token, open] : orders)
      open.confirmed = true;
  record.machine_id = greeting.machine_id;
  record.boot_id = greeting.boot_id;
  record.slots = greeting.slots;
  record.facts = greeting.facts;
  facts_heard.reset();
  record.version = greeting.version;
  record.last_seen = farm.clock();
}

/// Said again while the host is here, with facts that have changed.
void host_supervisor_state::on(const hello& said) {
  if (!agent || identity_of(said) != *agent || said.facts == record.facts)
    return;
  if (facts_heard && now() - *facts_heard < limits::facts_heard_every)
    return;
  facts_heard = now();
  record.facts = said.facts;
  storage::write_batch batch;
  storage::put_host(batch, record);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  if (state == host_state::up)
    reason = reason_when_up();
  announce();
}

/// The silence that is borne grows before the host is told to beat slower, never after.
void host_supervisor_state::keep_pace(const herd_size& herd) {
  auto wanted = core::pace_for(herd.hosts);
  if (!link || wanted.beat_every <= pace.beat_every)
    return;
  pace = wanted;
  tell(welcome{farm.now, session, pace.beat_every, pace.silence.lease});
}

/// A host that joins again and again must not fill the log.
bool host_supervisor_state::may_log() {
  if (!lines.admits_at(now()))
    return false;
  if (auto count = lines.take_left_out(); count > 0)
    spdlog::warn("host={} comes and goes: {} lines about it were left out", record.name.value,
                 count);
  return true;
}

// -- a second agent under this name --------------------------------------------------------------

/// The agent that was there first lives on although another one came: now it is sure that there are
/// two. (The last words of a dead one come at once.)
void host_supervisor_state::heard_beside_rival() {
  if (!rival || now() - rival->first < pace.silence.suspect_after)
    return;
  if (rival_alarm && now() - *rival_alarm < limits::rival_alarm_every)
    return;
  rival_alarm = now();
  event_record event;
  event.kind = event_kind::host_misbehaved;
  event.at = farm.clock();
  event.host = record.name;
  event.text =
    printable("its key is used from two places: an agent on machine " + rival->agent.machine_id
                + " was refused while the first one lived on: " + rival->why,
              limits::reason_bytes_max);
  storage::write_batch batch;
  batch.events.push_back(std::move(event));
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  spdlog::error(
    "two agents under one name host={} refused_machine={} refused_boot={} reason=\"{}\"",
    record.name.value, rival->agent.machine_id, rival->agent.boot_id, rival->why);
}

/// Retirement counts from what is kept.
void host_supervisor_state::keep_seen() {
  auto at = farm.clock();
  if (state != host_state::up || at.ms - record.last_seen.ms < limits::seen_kept_every.count())
    return;
  record.last_seen = at;
  store({});
}

void host_supervisor_state::forget_rival() {
  if (!rival || now() - rival->last < limits::rival_remembered)
    return;
  rival.reset();
  if (state == host_state::up) {
    reason = reason_when_up();
    announce();
  }
}

std::string host_supervisor_state::reason_when_up() const {
  if (rival)
    return "a second agent was refused: " + rival->why;
  auto shortage = record.facts.find("disk_short");
  return shortage == record.facts.end() ? clock_trouble : "its disk is full: " + shortage->second;
}

} // namespace drover
