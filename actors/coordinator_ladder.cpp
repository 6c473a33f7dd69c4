// The coordinator brings lost hosts back by the farm's own commands, and serves on-demand hosts.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/events.hpp"
#include "actors/core/ladder.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

bool is_held_by_person(const host_hold& hold) {
  return hold.kind == hold_kind::drain || hold.kind == hold_kind::pause;
}

} // namespace

void coordinator_state::climb_ladders() {
  if (!settings.commands || healing.herd.mood != core::herd_mood::calm)
    return;
  for (const auto& spec : settings.config.hosts) {
    auto known = herd.find({spec.name});
    if (known == herd.end() || healing.commands.contains(known->first))
      continue;
    if (!spec.start_command.empty())
      serve_on_demand(spec, known->second);
    else if (known->second.view.state == host_state::lost)
      climb(spec, known->second);
  }
}

/// A host that a person took out of service is not brought back by force.
void coordinator_state::climb(const host_spec& spec, herd_member& member) {
  const auto& record = member.view.record;
  if (record.first_seen.ms == 0 || is_held_by_person(record.hold))
    return;
  auto at = settings.clock();
  auto move = core::next_rung(spec.restart, record.ladder, member.since, at);
  if (const auto* end = std::get_if<core::ladder_give_up>(&move))
    return give_up(record.name, member, end->why);
  const auto* run = std::get_if<core::ladder_run>(&move);
  if (run == nullptr)
    return;
  auto ladder = record.ladder;
  core::apply_run(ladder, run->rung, spec.restart, at);
  ladder.note = core::rung_words(run->rung) + ", try " + std::to_string(ladder.tries) + " at "
                + to_string(at) + ", because " + record.name.value
                + " is lost: " + member.view.reason;
  ladder.note = printable(ladder.note, limits::reason_bytes_max);
  spdlog::warn("ladder host={} rung=\"{}\" try={}", record.name.value, core::rung_words(run->rung),
               ladder.tries);
  member.view.record.ladder = ladder;
  self->send(member.supervisor, host_care{std::nullopt, ladder, {}});
  run_command(record.name, run->rung, run->command);
}

void coordinator_state::give_up(const host_name& host, const herd_member& member,
                                const std::string& why) {
  auto at = settings.clock();
  auto ladder = member.view.record.ladder;
  ladder.rung = ladder_rung::given_up;
  host_care decided;
  decided.ladder = ladder;
  decided.hold = host_hold{hold_kind::quarantine, "farm", why, at, {}};
  decided.events.push_back(core::about_host(event_kind::host_quarantined, host, why, at));
  herd.at(host).view.record.ladder = ladder;
  self->send(member.supervisor, decided);
}

/// It speaks again: what was done to it is over. If a canary can prove it, it is trusted after
/// that.
void coordinator_state::welcome_back(herd_member& member) {
  auto state = member.view.state;
  const auto& record = member.view.record;
  bool here = state == host_state::up || state == host_state::quarantined
              || state == host_state::draining || state == host_state::paused;
  if (!here || record.ladder.rung == ladder_rung::none)
    return;
  host_care decided;
  decided.ladder = record.ladder;
  core::apply_back(*decided.ladder);
  bool proven = std::any_of(settings.config.builders.begin(), settings.config.builders.end(),
                            [&](const builder_spec& builder) {
                              return builder.canary && builder.source.empty()
                                     && serves(member, builder.requirement);
                            });
  auto rung = record.ladder.rung;
  auto back = rung == ladder_rung::given_up ? std::string{"it came back after it was given up"}
                                            : "it came back after its " + core::rung_words(rung);
  auto at = settings.clock();
  if (proven && !is_held_by_person(record.hold)) {
    decided.hold =
      host_hold{hold_kind::quarantine, "farm", back + "; a canary must pass there first", at, {}};
    healing.probes[record.name] = {now(), 0, {}};
    if (state == host_state::up) // at once: what waits must not go there first
      member.view.state = host_state::quarantined;
  } else if (record.hold.kind == hold_kind::quarantine) {
    decided.hold = host_hold{};
    decided.events.push_back(core::about_host(event_kind::host_released, record.name, back, at));
  }
  member.view.record.ladder = *decided.ladder;
  self->send(member.supervisor, decided);
}

// -- on-demand hosts -----------------------------------------------------------------------------

/// Whether work waits that this host could take, and no host that is here could.
bool coordinator_state::is_wanted(const herd_member& member) const {
  auto fits = [](const core::queue_entry& entry, const herd_member& one) {
    bool pinned = !entry.pinned.value.empty();
    if (pinned)
      return entry.pinned == one.view.record.name;
    return entry.needs.unmet(traits_of(one.view.record.facts, one.labels)).empty();
  };
  return std::any_of(queue.begin(), queue.end(), [&](const auto& waiting) {
    if (!fits(waiting.second, member))
      return false;
    return std::none_of(herd.begin(), herd.end(), [&](const auto& other) {
      bool here =
        other.second.view.state == host_state::up || other.second.view.state == host_state::suspect;
      here = here && other.second.stage.stage == host_stage::trusted;
      return here && fits(waiting.second, other.second);
    });
  });
}

void coordinator_state::serve_on_demand(const host_spec& spec, herd_member& member) {
  const auto& host = member.view.record.name;
  bool away = member.view.state == host_state::lost || member.view.state == host_state::joining;
  if (away) {
    healing.idle_since.erase(host);
    auto last = healing.started.find(host);
    bool asked = last != healing.started.end() && now() - last->second < limits::on_demand_retry;
    if (asked || is_held_by_person(member.view.record.hold) || !is_wanted(member))
      return;
    healing.started[host] = now();
    return run_command(host, ladder_rung::none, spec.start_command);
  }
  if (member.used > 0 || member.view.state != host_state::up || is_wanted(member)) {
    healing.idle_since.erase(host);
    return;
  }
  auto since = healing.idle_since.try_emplace(host, now()).first->second;
  auto patience = spec.idle.count() > 0 ? spec.idle : limits::on_demand_idle;
  if (spec.stop_command.empty() || now() - since < patience)
    return;
  healing.idle_since.erase(host);
  healing.started.erase(host);
  run_command(host, ladder_rung::none, spec.stop_command);
}

// -- commands ------------------------------------------------------------------------------------

void coordinator_state::run_command(const host_name& host, ladder_rung rung,
                                    const std::string& command) {
  healing.commands.insert(host);
  auto home = coordinator_actor{self};
  settings.commands->run(command, {{"DROVER_HOST", host.value}},
                         [home, host, rung](int32_t exit_code, const std::string& output) {
                           caf::anon_send(home, command_over{host, rung, exit_code, output});
                         });
}

void coordinator_state::on_command_over(const command_over& said) {
  healing.commands.erase(said.host);
  auto member = herd.find(said.host);
  if (member == herd.end())
    return;
  auto how = core::outcome_words(said.exit_code, said.output);
  host_care decided;
  auto text = "start or stop command: " + how;
  if (said.rung != ladder_rung::none) {
    auto& ladder = member->second.view.record.ladder;
    ladder.note = printable(ladder.note + "; " + how, limits::reason_bytes_max);
    decided.ladder = ladder;
    text = ladder.note;
  }
  decided.events.push_back(
    core::about_host(event_kind::ladder_climbed, said.host, text, settings.clock()));
  self->send(member->second.supervisor, decided);
}

} // namespace drover
