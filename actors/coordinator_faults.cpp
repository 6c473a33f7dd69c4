// The coordinator finds hosts that fail what others pass, and lets them back when they are proven.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/backoff.hpp"
#include "actors/core/events.hpp"
#include "actors/core/submit.hpp"
#include "schema/limits_healing.hpp"
#include "schema/names.hpp"
#include "schema/requirement.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace drover {

namespace {

/// Hosts of one kind can be expected to pass the same builds.
std::string kind_of(const host_facts& facts) {
  auto fact = [&](const char* name) {
    auto found = facts.find(name);
    return found == facts.end() ? std::string{} : found->second;
  };
  return fact("os") + "/" + fact("arch");
}

} // namespace

/// A build has ended: what does that say of its host?
void coordinator_state::judge_end(build_id id) {
  auto build = storage::read_build(*settings.store, id);
  if (!build || !*build || (*build)->state != build_state::finished)
    return;
  if (auto probe = healing.probing.extract(id); !probe.empty())
    return probe_over(**build, probe.mapped());
  if (healing.canaries.contains(id))
    return; // of hosts that nobody counts on yet, or beside one of them
  auto host = herd.find((*build)->host);
  if (host == herd.end())
    return;
  core::note_end(healing.faults, **build, kind_of(host->second.view.record.facts));
  if (host->second.view.record.hold.kind == hold_kind::quarantine) {
    // It ran there already when the host was quarantined.
    auto& late = healing.faults.hosts.at(host->first).streak;
    repeat_elsewhere(std::exchange(late, {}), host->first);
  }
  for (const auto& found : core::find_black_holes(healing.faults))
    quarantine(found);
}

void coordinator_state::quarantine(const core::black_hole& found) {
  core::forget_streak(healing.faults, found.host);
  auto member = herd.find(found.host);
  if (member == herd.end() || member->second.view.record.hold.kind != hold_kind::none)
    return;
  auto at = settings.clock();
  host_care decided;
  decided.hold = host_hold{
    hold_kind::quarantine, "farm", printable(found.evidence, limits::reason_bytes_max), at, {}};
  decided.events.push_back(
    core::about_host(event_kind::host_quarantined, found.host, found.evidence, at));
  spdlog::warn("host quarantined host={} reason=\"{}\"", found.host.value, found.evidence);
  // At once, before its supervisor confirms it: it must not get the very builds that it has failed.
  member->second.view.state = host_state::quarantined;
  member->second.view.record.hold = *decided.hold;
  self->send(member->second.supervisor, decided);
  repeat_elsewhere(found.streak, found.host);
}

/// One more try for what a quarantined host has failed.
void coordinator_state::repeat_elsewhere(const std::vector<core::red_build>& streak,
                                         const host_name& host) {
  for (const auto& red : streak) {
    if (red.pinned || red.by_farm || !healing.repeated.insert(red.build).second)
      continue;
    auto id = red.build;
    retry_build order{
      id, "farm", "build " + to_string(id) + " failed on " + host.value + ", which is quarantined"};
    self->request(coordinator_actor{self}, limits::request_timeout, order)
      .then(
        [id](const expected<submitted>& made) {
          if (!made)
            spdlog::warn("build={} is not repeated: {}", id.value, made.error().text);
        },
        [id](const caf::error&) { spdlog::warn("build={} is not repeated in time", id.value); });
  }
  while (healing.repeated.size() > limits::repeats_remembered_max)
    healing.repeated.erase(healing.repeated.begin());
}

/// After a start: what the coordinator of before owed for hosts that it had quarantined.
void coordinator_state::repeat_missed(const std::vector<build_record>& newest) {
  for (const auto& [host, member] : herd) {
    const auto& hold = member.view.record.hold;
    if (hold.kind == hold_kind::quarantine && hold.by == "farm")
      repeat_elsewhere(core::owed_repeats(host, newest), host);
  }
}

// -- the way back --------------------------------------------------------------------------------

void coordinator_state::probe_hosts() {
  for (auto& [id, member] : herd)
    if (member.view.state == host_state::quarantined)
      plan_probe(id, member);
    else if (member.view.record.hold.kind != hold_kind::quarantine)
      healing.probes.erase(id);
}

void coordinator_state::plan_probe(const host_name& host, herd_member& member) {
  auto [plan, fresh] = healing.probes.try_emplace(host);
  if (fresh)
    plan->second.next = now() + limits::probe_first;
  auto running = plan->second.running;
  bool waits = queue.contains(running); // the host lost it, and from the queue it gets nothing
  if (!waits && (running.value != 0 || now() < plan->second.next))
    return;
  if (member.used >= std::max(member.slots, member.view.record.slots))
    return; // what ran there when it was quarantined still does
  if (waits)
    return place(running, host);
  auto file = probe_build(member);
  if (!file) {
    plan->second.next = now() + limits::probe_max; // nothing can prove it: a person decides
    return;
  }
  begin_probe(host, std::move(*file));
}

bool coordinator_state::serves(const herd_member& member, const std::string& requirement) const {
  auto parsed = requirement::parse(requirement);
  auto* needs = std::get_if<drover::requirement>(&parsed);
  return needs != nullptr
         && needs->unmet(traits_of(member.view.record.facts, member.labels)).empty();
}

/// What is to pass there: a canary that serves, else the last build that the host has failed, else
/// any builder that needs no source.
std::optional<build_file> coordinator_state::probe_build(const herd_member& member) const {
  const auto& config = settings.config;
  const builder_spec* fallback = nullptr;
  for (const auto& builder : config.builders) {
    if (!builder.source.empty() || !serves(member, builder.requirement))
      continue;
    if (builder.canary)
      return core::make_build({}, builder, {}, config.limits);
    if (fallback == nullptr)
      fallback = &builder;
  }
  auto page = healing.faults.hosts.find(member.view.record.name);
  if (page != healing.faults.hosts.end() && page->second.last_red.value != 0) {
    auto old = storage::read_build(*settings.store, page->second.last_red);
    const auto* recipe = old && *old ? core::find_builder(config, (*old)->builder) : nullptr;
    if (recipe != nullptr && serves(member, recipe->requirement)) {
      auto file = core::make_build({}, *recipe, (*old)->source, config.limits);
      file.build.params = (*old)->params;
      return file;
    }
  }
  if (fallback == nullptr)
    return std::nullopt;
  return core::make_build({}, *fallback, {}, config.limits);
}

void coordinator_state::begin_probe(const host_name& host, build_file file) {
  auto id = file.build.id = {++last_build.value};
  file.build.generation = generation;
  file.build.pinned = host;
  file.build.requested_by = "farm";
  file.build.requested_because = "probe of " + host.value + ", which is quarantined";
  file.build.created_at = settings.clock();
  forgo_cache(file);
  storage::write_batch batch;
  put_new_build(batch, file);
  healing.probes[host].running = id;
  healing.probing[id] = host;
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([this, id, host, file = std::move(file)](recorded) {
      queued[id] = file;
      if (herd.contains(host))
        place(id, host); // past the queue: nothing else may go there
      else
        queue[id] = core::to_queue_entry(file);
    });
}

void coordinator_state::probe_over(const build_record& build, const host_name& host) {
  auto plan = healing.probes.find(host);
  if (plan == healing.probes.end())
    return;
  plan->second.running = {};
  if (build.outcome == result::success || build.outcome == result::warnings)
    return let_back(host,
                    "build " + to_string(build.id) + " of " + build.builder + " has passed there");
  ++plan->second.failures;
  plan->second.next = now()
                      + core::backoff(plan->second.failures + 1, limits::probe_first,
                                      limits::probe_max, build.id.value);
  spdlog::info("probe failed host={} build={} failures={}", host.value, build.id.value,
               plan->second.failures);
}

void coordinator_state::let_back(const host_name& host, const std::string& why) {
  healing.probes.erase(host);
  core::forget_streak(healing.faults, host);
  auto member = herd.find(host);
  if (member == herd.end() || member->second.view.record.hold.kind != hold_kind::quarantine)
    return;
  host_care decided;
  decided.hold = host_hold{};
  decided.events.push_back(
    core::about_host(event_kind::host_released, host, why, settings.clock()));
  spdlog::info("host released host={} reason=\"{}\"", host.value, why);
  self->send(member->second.supervisor, decided);
}

} // namespace drover
