// What befalls the simulated farm, and how it ends.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.hpp"

#include <array>

namespace drover::sim {

using namespace std::chrono_literals;

milliseconds world::outage() {
  if (engine_.random.happens(faults_.long_outage))
    return engine_.random.between(55s, 100s);
  return engine_.random.happens(0.5) ? engine_.random.between(50ms, 2s)
                                     : engine_.random.between(1s, 15s);
}

void world::repeat(milliseconds every, std::function<void()> fault) {
  if (every.count() == 0)
    return;
  auto wait = engine_.random.between(every / 5, every * 9 / 5);
  engine_.after(wait, [this, every, fault = std::move(fault)] {
    if (healed_)
      return;
    fault();
    repeat(every, fault);
  });
}

void world::arm_faults() {
  if (faults_.clock_jump_every.count() > 0)
    judges_.healing.clocks_move();
  repeat(faults_.coordinator_death_every, [this] {
    if (!farm_)
      return;
    kill_farm();
    revive_farm_in(outage());
  });
  repeat(faults_.agent_death_every, [this] {
    auto host = some_host();
    if (!machines_[host].agent)
      return;
    kill_agent(host, network::ending::seen);
    revive_agent_in(host, outage());
  });
  repeat(faults_.host_death_every, [this] { power_off(some_host(), outage()); });
  repeat(faults_.keeper_death_every, [this] { machines_[some_host()].disk->kill_a_keeper(); });
  repeat(faults_.partition_every, [this] { cut_someone(); });
  repeat(faults_.actor_death_every, [this] { kill_some_actor(); });
  repeat(faults_.herd_cut_every, [this] { cut_half_the_herd(); });
  repeat(faults_.stop_every, [this] { stop_some_process(); });
  repeat(faults_.clock_jump_every, [this] { move_some_clock(); });
  repeat(faults_.slow_disk_every, [this] { slow_some_disk(); });
  repeat(faults_.bad_disk_every, [this] {
    if (farm_) {
      engine_.note("the coordinator's disk fails");
      bad_disk_ = true;
    }
  });
  repeat(faults_.forgery_every, [this] { forge(); });
  if (faults_.black_hole)
    engine_.after(engine_.random.between(1s, options_.faulty_time / 4), [this] { break_a_host(); });
}

void world::cut_someone() {
  auto name = machines_[some_host()].name;
  auto which = engine_.random.between(0, 3); // one way, the other, or both
  engine_.note("cut " + name.value + " " + std::to_string(which));
  if (which != 1)
    network_.cut(name, direction::to_farm);
  if (which != 0)
    network_.cut(name, direction::to_host);
  engine_.after(outage(), [this, name] {
    engine_.note("cut is over " + name.value);
    network_.heal(name);
  });
}

void world::kill_some_actor() {
  static const std::vector<std::string> victims{"build", "host_supervisor", "step", "workspace",
                                                "spool"};
  judges_.healing.farm_is_deaf(5s);
  engine_.doom(victims[engine_.random.between(0, victims.size() - 1)]);
}

/// In the fault of half the herd, the alarm must come; or the coordinator died meanwhile.
void world::cut_half_the_herd() {
  auto half = (machines_.size() + 1) / 2;
  auto first = some_host();
  std::vector<host_name> gone;
  for (size_t i = 0; i < half; ++i) {
    gone.push_back(machines_[(first + i) % machines_.size()].name);
    network_.cut(gone.back(), direction::to_farm);
    network_.cut(gone.back(), direction::to_host);
  }
  engine_.note("half the herd is cut off: " + std::to_string(half));
  judges_.healing.herd_cut(gone, machines_.size());
  engine_.after(std::max<milliseconds>(outage(), 5s), [this, gone] {
    for (const auto& name : gone)
      network_.heal(name);
  });
}

/// As SIGSTOP and SIGCONT do: what is sent to it meanwhile waits in its sockets.
void world::stop_some_process() {
  auto time = engine_.random.happens(0.3) ? engine_.random.between(20s, 90s)
                                          : engine_.random.between(1s, 15s);
  if (engine_.random.happens(0.5)) {
    if (!farm_)
      return;
    engine_.note("the coordinator is stopped for " + std::to_string(time.count()));
    judges_.healing.farm_is_deaf(time);
    return engine_.stop(farm_process_, time);
  }
  auto& host = machines_[some_host()];
  if (!host.agent)
    return;
  engine_.note(host.name.value + " is stopped for " + std::to_string(time.count()));
  engine_.stop(host.process, time);
}

void world::move_some_clock() {
  constexpr std::array jumps{milliseconds{1h}, milliseconds{-1h}, milliseconds{400 * 24h},
                             milliseconds{0}, milliseconds{30s}};
  auto jump = jumps[engine_.random.between(0, jumps.size() - 1)];
  if (engine_.random.happens(0.4)) {
    engine_.note("the coordinator's clock is moved to " + std::to_string(jump.count()));
    farm_clock_ = jump;
    return;
  }
  auto& host = machines_[some_host()];
  engine_.note("the clock of " + host.name.value + " is moved to " + std::to_string(jump.count()));
  host.clock = host.disk->condition.clock = jump;
}

/// What waits for the disk is the actor that writes to it.
void world::slow_some_disk() {
  static const std::vector<std::string> writers{"recorder", "artifact_store", "spool", "workspace",
                                                "step"};
  const auto& writer = writers[engine_.random.between(0, writers.size() - 1)];
  auto time = engine_.random.between(200ms, 5s);
  judges_.healing.disk_is_slow(time);
  engine_.stall(writer, time);
}

/// A host speaks of what another one runs.
void world::forge() {
  auto liar = machines_[some_host()].name;
  std::vector<grant_token> foreign;
  for (const auto& [token, truth] : witness_.processes)
    if (truth.running && truth.host != liar.value)
      foreign.push_back(token);
  if (!foreign.empty())
    network_.forge(liar, foreign[engine_.random.between(0, foreign.size() - 1)]);
}

void world::break_a_host() {
  auto& host = machines_[some_host()];
  engine_.note(host.name.value + " is a black hole from now on");
  host.black_hole = host.disk->condition.black_hole = true;
}

/// Most of them stay away for longer than a lease: otherwise the death looks like a keeper's.
void world::poisoned(const host_name& name, const grant_token& token) {
  bool for_long = engine_.random.happens(0.7);
  if (for_long)
    witness_.killed[{token.attempt.build, token.attempt.step}].insert(name.value);
  for (size_t host = 0; host < machines_.size(); ++host)
    if (machines_[host].name == name)
      power_off(host, for_long ? engine_.random.between(65s, 100s) : outage());
}

void world::heal() {
  engine_.note("healed");
  healed_ = true;
  engine_.doom("");
  engine_.release_all();
  bad_disk_ = false;
  farm_clock_ = {};
  judges_.healing.farm_is_deaf(5s);
  network_.faults = fault_options{};
  for (size_t host = 0; host < machines_.size(); ++host) {
    auto& one = machines_[host];
    one.clock = {};
    one.black_hole = false;
    one.disk->condition = {false, true, {}};
    network_.heal(machines_[host].name);
    start_agent(host);
  }
  if (!farm_)
    start_farm();
}

} // namespace drover::sim
