// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/options.hpp"

#include <algorithm>

namespace drover::sim {

using namespace std::chrono_literals;

fault_options choose_faults(chance& random, const std::optional<std::vector<std::string>>& names) {
  fault_options faults;
  auto chosen = [&](const char* name, double share = 0.5) {
    bool by_chance = random.happens(share); // drawn always: what is on does not move what follows
    if (!names)
      return by_chance;
    return std::find(names->begin(), names->end(), name) != names->end();
  };
  if (chosen("loss"))
    faults.loss = static_cast<double>(random.between(1, 15)) / 100;
  if (chosen("duplication"))
    faults.duplication = static_cast<double>(random.between(1, 15)) / 100;
  if (chosen("delay"))
    faults.delay_max = random.between(10ms, 300ms);
  if (chosen("partitions"))
    faults.partition_every = random.between(5s, 60s);
  if (chosen("agent"))
    faults.agent_death_every = random.between(3s, 40s);
  if (chosen("host"))
    faults.host_death_every = random.between(15s, 90s);
  if (chosen("disk"))
    faults.disk_loss = 0.3;
  if (chosen("coordinator"))
    faults.coordinator_death_every = random.between(3s, 60s);
  if (chosen("keeper"))
    faults.keeper_death_every = random.between(3s, 40s);
  if (chosen("outage"))
    faults.long_outage = 0.15;
  if (chosen("actor"))
    faults.actor_death_every = random.between(20s, 60s);
  if (chosen("herd", 0.2))
    faults.herd_cut_every = random.between(20s, 60s);
  if (chosen("stop", 0.3))
    faults.stop_every = random.between(15s, 60s);
  if (chosen("clock", 0.4))
    faults.clock_jump_every = random.between(5s, 40s);
  if (chosen("slow", 0.3))
    faults.slow_disk_every = random.between(3s, 30s);
  if (chosen("bad_disk", 0.2))
    faults.bad_disk_every = random.between(20s, 60s);
  faults.poison = chosen("poison", 0.2);
  faults.black_hole = chosen("black_hole", 0.2);
  if (chosen("forgery", 0.3))
    faults.forgery_every = random.between(1s, 10s);
  return faults;
}

} // namespace drover::sim
