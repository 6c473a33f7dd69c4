// The coordinator decides how far hosts are trusted, and retires those that nobody has seen.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"
#include "storage/identities.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace drover {

bool coordinator_state::is_configured(const host_name& host) const {
  const auto& hosts = settings.config.hosts;
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const host_spec& spec) { return spec.name == host.value; });
}

/// What a supervisor says of its host; of its stage it may not have heard yet.
void coordinator_state::take_view(herd_member& member, host_view view) {
  member.view = std::move(view);
  member.view.record.stage = member.stage.stage;
  member.view.record.stage_note = member.stage.note;
}

void coordinator_state::set_stage(herd_member& member, const core::stage_decision& decided,
                                  const std::string& by) {
  auto host = member.view.record.name;
  auto event = core::stage_event(host, decided, by, settings.clock());
  member.stage = {decided.stage, event.text};
  member.view.record.stage = decided.stage;
  member.view.record.stage_note = event.text;
  spdlog::info("host stage host={} stage={} reason=\"{}\"", host.value, event.state, event.text);
  host_care told;
  told.events.push_back(std::move(event)); // from which its supervisor takes it, too
  self->send(member.supervisor, told);
  if (decided.stage == host_stage::probation)
    healing.trials.try_emplace(host);
  else
    healing.trials.erase(host);
  schedule_plan();
}

core::arrival_case coordinator_state::arrival_of(const host_record& known) const {
  core::arrival_case of{known, {}, is_configured(known.name), settings.clock()};
  auto identity = storage::read_identity(*settings.store, known.name);
  if (identity)
    of.identity = *identity;
  else
    spdlog::error("host={} identity unreadable: {}", known.name.value, identity.error().text);
  return of;
}

/// Before its supervisor hears of the arrival, so that both are durable together.
void coordinator_state::review_arrival(herd_member& member) {
  if (auto decided = core::stage_on_arrival(arrival_of(member.view.record)))
    set_stage(member, *decided);
}

/// Once the host was admitted: only whoever was let in says from where a key came.
void coordinator_state::review_machine(const std::string& before, herd_member& member) {
  const auto& now = member.view.record;
  if (before == now.machine_id || before.empty())
    return;
  auto of = arrival_of(now);
  of.known.machine_id = before;
  auto decided = core::stage_on_other_machine(of, now.machine_id);
  if (!decided)
    return;
  host_care alarm;
  event_record event;
  event.kind = event_kind::host_misbehaved;
  event.at = settings.clock();
  event.host = now.name;
  event.text =
    printable("the key of " + now.name.value + " is used from another place: its state folder is "
                + now.machine_id + ", and was " + before,
              limits::reason_bytes_max);
  spdlog::error("key used from another place host={} machine={} before={}", now.name.value,
                now.machine_id, before);
  alarm.events.push_back(std::move(event));
  self->send(member.supervisor, alarm);
  set_stage(member, *decided);
}

/// What time and a new configuration change.
void coordinator_state::review_stages() {
  auto at = settings.clock();
  std::unordered_set<std::string_view> named;
  for (const auto& spec : settings.config.hosts)
    named.insert(spec.name);
  for (auto& [id, member] : herd) {
    bool configured = named.contains(id.value);
    if (configured && member.stage.stage != host_stage::trusted)
      set_stage(member, {host_stage::trusted, "the configuration names it"});
    bool heard = member.view.last_seen_ms >= 0; // by this coordinator; `since`: when it fell silent
    auto last = heard ? member.since : wall_time{};
    core::silence_case of{last, configured, at, settings.config.limits.retire_after};
    if (auto decided = core::retirement(member.view, of))
      set_stage(member, *decided);
  }
  std::erase_if(healing.references, [this](const auto& known) {
    const auto& reference = known.second;
    return reference.end && now() - reference.at > limits::canary_reference_age;
  });
}

/// A person's word counts as much as a canary.
caf::result<expected<accepted>> coordinator_state::trust(const host_order& request) {
  using answer = expected<accepted>;
  auto& member = herd.at(request.host);
  set_stage(member,
            {host_stage::trusted,
             "trusted by " + request.by + (request.reason.empty() ? "" : ": " + request.reason)},
            request.by);
  auto promise = self->make_response_promise<answer>();
  // Once its supervisor has handed that to the recorder, behind which an empty batch is durable.
  self->request(member.supervisor, limits::request_timeout, hosts_query{})
    .then(
      [this, promise, host = request.host.value](const host_view&) mutable {
        self->request(services.recorder, caf::infinite, storage::write_batch{})
          .then([promise, host](recorded) mutable {
            promise.deliver(answer{{host + " is trusted by your word; it takes builds"}});
          });
      },
      [promise, host = request.host.value](const caf::error&) mutable {
        promise.deliver(
          answer{failure{ec::unavailable, "the supervisor of " + host + " does not answer"}});
      });
  return promise;
}

} // namespace drover
