// The coordinator compares hosts on probation with known-good ones, by canaries.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/backoff.hpp"
#include "actors/core/events.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace drover {

namespace {

/// Hosts of one kind make the same of one canary, as long as the configuration stays.
std::string reference_key(const builder_spec& canary, const host_facts& facts,
                          uint64_t generation) {
  return canary.name + "\n" + core::kind_of_host(facts) + "\n" + std::to_string(generation);
}

} // namespace

/// Those of hosts that still wait for it go on; peers' are begun anew where they are wanted.
void coordinator_state::adopt_canaries(const std::vector<build_file>& active_builds) {
  for (const auto& file : active_builds) {
    auto trial = healing.trials.find(file.build.pinned);
    if (!core::is_canary_run(file) || trial == healing.trials.end())
      continue;
    trial->second.canary = file.recipe;
    trial->second.running = file.build.id;
    healing.canaries[file.build.id] = {};
  }
}

void coordinator_state::advance_trials() {
  healing.peers = {};
  std::vector<host_name> hosts;
  for (const auto& [host, trial] : healing.trials)
    hosts.push_back(host);
  for (const auto& host : hosts)
    if (auto trial = healing.trials.find(host); trial != healing.trials.end())
      advance_trial(host, trial->second);
}

void coordinator_state::advance_trial(const host_name& host, canary_trial& trial) {
  auto known = herd.find(host);
  if (known == herd.end() || known->second.view.state != host_state::up || now() < trial.next)
    return;
  auto& member = known->second;
  if (trial.running.value == 0 && !trial.own && !begin_trial(member, trial))
    return;
  std::string alone;
  const auto* peer = reference_of(member, trial, alone);
  if (!trial.own || (peer == nullptr && alone.empty()))
    return;
  auto verdict = core::judge_canary(*trial.own, peer, alone);
  settle_trial(member, trial, verdict);
}

/// The next canary that the host has not passed. False if there is none, or not now.
bool coordinator_state::begin_trial(herd_member& member, canary_trial& trial) {
  auto offer = offer_of(member);
  if (offer.used >= offer.slots)
    return false; // what ran there when it came on probation still does
  for (const auto& canary : core::canaries_for(settings.config, offer.traits)) {
    if (trial.passed.contains(canary.name))
      continue;
    trial.canary = canary;
    trial.waits.reset();
    auto file = core::make_canary(canary, offer.name,
                                  "canary of " + offer.name.value + ", which is on probation",
                                  settings.clock());
    trial.running = begin_canary(offer.name, std::move(file), {});
    return true;
  }
  // A new configuration asks for none but what it has passed.
  set_stage(member, {host_stage::trusted, "it has passed every canary"});
  return false;
}

const core::canary_end* coordinator_state::reference_of(const herd_member& member,
                                                        canary_trial& trial, std::string& alone) {
  auto key = reference_key(*trial.canary, member.view.record.facts, generation);
  auto& reference = healing.references[key];
  auto peer = herd.find(reference.host);
  bool good = peer != herd.end() && peer->second.stage.stage == host_stage::trusted
              && peer->second.view.record.hold.kind != hold_kind::quarantine;
  bool away = good && peer->second.view.state == host_state::lost;
  bool old = reference.end && now() - reference.at > limits::canary_reference_age;
  if (!reference.host.value.empty() && (!good || old || (away && !reference.end))) {
    if (healing.canaries.erase(reference.running) > 0)
      cancel_canary(reference.running);
    reference = {};
  }
  if (reference.end)
    return &*reference.end;
  if (reference.running.value == 0)
    seek_peer(member, trial, reference, alone);
  return nullptr;
}

void coordinator_state::seek_peer(const herd_member& member, canary_trial& trial,
                                  canary_reference& reference, std::string& alone) {
  const auto& newcomer = member.view.record;
  auto key = reference_key(*trial.canary, newcomer.facts, generation);
  auto [known, fresh] = healing.peers.none.try_emplace(key);
  auto& choice = known->second;
  if (fresh) {
    if (healing.peers.hosts.empty())
      for (const auto& [id, other] : herd)
        healing.peers.hosts.push_back(peer_of(other));
    choice = core::choose_peer(*trial.canary, peer_of(member), healing.peers.hosts);
  }
  if (!choice.host.value.empty()) {
    reference.host = choice.host;
    auto file = core::make_canary(*trial.canary, choice.host,
                                  "canary of " + newcomer.name.value
                                    + ", for comparison with a known-good host",
                                  settings.clock());
    reference.running = begin_canary(choice.host, std::move(file), key);
    healing.peers = {}; // a slot less is free
    return;
  }
  alone = choice.alone;
  if (!choice.may_come || !trial.own)
    return;
  if (!trial.waits)
    trial.waits = now();
  if (now() - *trial.waits >= limits::canary_peer_patience)
    alone = "no known-good host had a free slot to compare with";
}

void coordinator_state::settle_trial(herd_member& member, canary_trial& trial,
                                     const core::canary_verdict& verdict) {
  trial.own.reset();
  trial.waits.reset();
  if (verdict.how == core::proof::none) {
    trial.next = now() + limits::canary_retry_first;
    return;
  }
  const auto& facts = member.view.record.facts;
  if (verdict.how == core::proof::denied) {
    healing.references.erase(reference_key(*trial.canary, facts, generation));
    ++trial.failures;
    trial.next = now()
                 + core::backoff(trial.failures, limits::canary_retry_first,
                                 limits::canary_retry_max, last_build.value);
    return set_stage(member, {host_stage::probation, verdict.sentence});
  }
  trial.failures = 0;
  trial.passed.insert(trial.canary->name);
  auto canaries = core::canaries_for(settings.config, traits_of(facts, member.labels));
  bool all = std::all_of(canaries.begin(), canaries.end(), [&](const builder_spec& canary) {
    return trial.passed.contains(canary.name);
  });
  if (all)
    set_stage(member, {host_stage::trusted, verdict.sentence}); // which ends the trial
  else
    begin_trial(member, trial);
}

/// A known-good host has fallen away under it.
void coordinator_state::cancel_canary(build_id id) {
  self
    ->request(coordinator_actor{self}, limits::request_timeout,
              cancel_build{id, "farm", "its host is away, another one is asked"})
    .then(
      [id](const expected<accepted>& done) {
        if (!done)
          spdlog::info("canary build={} is not cancelled: {}", id.value, done.error().text);
      },
      [id](const caf::error&) {
        spdlog::warn("canary build={} is not cancelled in time", id.value);
      });
}

/// Past the queue: it is small, and the host's slot is kept for it until it is durable.
build_id coordinator_state::begin_canary(const host_name& host, build_file file,
                                         const std::string& reference) {
  auto id = file.build.id = {++last_build.value};
  file.build.generation = generation;
  storage::write_batch batch;
  put_new_build(batch, file);
  healing.canaries[id] = reference;
  ++herd.at(host).used;
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([this, id, host, file = std::move(file)](recorded) {
      queued[id] = file;
      auto member = herd.find(host);
      if (member == herd.end()) {
        queue[id] = core::to_queue_entry(file);
        return;
      }
      if (member->second.used > 0)
        --member->second.used;
      place(id, host);
    });
  return id;
}

void coordinator_state::canary_over(build_id id) {
  auto run = healing.canaries.extract(id);
  if (run.empty())
    return;
  auto file = storage::read_build_file(*settings.store, id);
  std::optional<core::canary_end> end;
  if (file && *file) {
    std::map<std::string, test_report> tests;
    for (const auto& step : (*file)->steps) {
      auto report = storage::read_test_report(*settings.store, id, step.index);
      if (report && *report && !(*report)->dialect.empty())
        tests[step.name] = std::move(**report);
    }
    end = core::end_of_canary(**file, std::move(tests));
  }
  if (!end)
    spdlog::error("canary build={} can't be read: {}", id.value,
                  file ? "it is not there" : file.error().text);
  if (run.mapped().empty()) {
    auto trial = healing.trials.find(file && *file ? (*file)->build.pinned : host_name{});
    if (trial != healing.trials.end() && trial->second.running == id) {
      trial->second.running = {};
      if (!end)
        trial->second.next = now() + limits::canary_retry_first;
      trial->second.own = std::move(end);
    }
  } else if (auto known = healing.references.find(run.mapped());
             known != healing.references.end() && known->second.running == id) {
    known->second.running = {};
    if (end && core::is_telling(*end)) {
      known->second.end = std::move(end);
      known->second.at = now();
    } else {
      healing.references.erase(known);
    }
  }
  advance_trials();
}

core::peer_offer coordinator_state::peer_of(const herd_member& member) const {
  const auto& record = member.view.record;
  return {offer_of(member), record.machine_id, record.first_seen.ms != 0};
}

} // namespace drover
