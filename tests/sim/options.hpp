#pragma once
// What a simulated farm is made of and what it must survive.
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/chance.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drover::sim {

/// Faults while they are on. Shares are of messages; the others say how often, on average, one
/// comes (0: never).
struct fault_options {
  double loss = 0;
  double duplication = 0;
  milliseconds delay_min{1};
  milliseconds delay_max{5};
  milliseconds partition_every{0};
  milliseconds agent_death_every{0};
  milliseconds host_death_every{0};
  milliseconds coordinator_death_every{0};
  milliseconds keeper_death_every{0};
  milliseconds actor_death_every{0};
  milliseconds herd_cut_every{0};   ///< half of all hosts fall silent at once
  milliseconds stop_every{0};       ///< a process is stopped for a while, as by SIGSTOP
  milliseconds clock_jump_every{0}; ///< of wall clocks, by an hour or by more than a year
  milliseconds slow_disk_every{0};  ///< what writes to a disk waits for it
  milliseconds bad_disk_every{0};   ///< the coordinator's disk fails
  milliseconds forgery_every{0};    ///< a host reports on an attempt that is not its own
  double disk_loss = 0;             ///< of deaths of hosts
  double long_outage = 0;           ///< share of outages that outlast a lease
  bool poison = false;              ///< builds that kill the machine on which they run
  bool black_hole = false;          ///< a host that fails at once what others pass
};

struct sim_options {
  uint64_t seed = 1;
  uint32_t hosts = 0; ///< 0: as the seed says
  milliseconds faulty_time{120'000};
  std::optional<std::vector<std::string>> faults; ///< names; nothing: as the seed says
  bool trace = false;
  bool unrepeatable = false; ///< a defect of the simulation itself: see sim_main.cpp
};

/// Every name that `--faults` takes.
inline const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> names{
    "loss",  "duplication", "delay",  "partitions", "agent",  "host", "disk",
    "actor", "coordinator", "keeper", "outage",     "herd",   "stop", "clock",
    "slow",  "bad_disk",    "poison", "black_hole", "forgery"};
  return names;
}

/// The faults of a seed: each kind is on or off, so that runs differ in kind and not only in
/// detail.
fault_options choose_faults(chance& random, const std::optional<std::vector<std::string>>& names);

} // namespace drover::sim
