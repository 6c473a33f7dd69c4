#pragma once
// The simulated farm: real actors of a coordinator and its hosts, and everything that befalls them.
// SPDX-License-Identifier: Apache-2.0

#include "actors/host.hpp"
#include "tests/sim/workload.hpp"

namespace drover::sim {

struct outcome_of_run {
  uint64_t seed = 0;
  uint64_t hash = 0;
  milliseconds virtual_time{0};
  size_t builds = 0;
  std::string failure; ///< empty: all held
};

/// First a time with faults, in which nothing may go wrong; then all is healed, and everything must
/// come to its end.
class world {
public:
  explicit world(const sim_options& options);
  ~world();
  outcome_of_run run();

private:
  struct machine {
    host_name name;
    host_facts facts;
    uint64_t boots = 1;
    uint64_t disks = 1;
    process_number process = 0; ///< of its agent
    milliseconds clock{0};      ///< how far its wall clock is ahead
    bool black_hole = false;
    bool booted = false; ///< since its agent ran last
    std::shared_ptr<host_disk> disk;
    std::optional<host_actors> agent;
    life alive;
    uint64_t outages = 0; ///< tells an outage from a later one
  };

  // -- the coordinator --
  void start_farm();
  void kill_farm();
  void farm_gives_up(const std::string& why, const life& alive);
  void revive_farm_in(milliseconds time);

  // -- hosts --
  void start_agent(size_t host);
  void kill_agent(size_t host, network::ending how);
  void revive_agent_in(size_t host, milliseconds time);
  void power_off(size_t host, milliseconds time);
  void new_disk(machine& host);

  // -- faults --
  void arm_faults();
  void repeat(milliseconds every, std::function<void()> fault);
  milliseconds outage();
  void cut_someone();
  void kill_some_actor();
  void cut_half_the_herd();
  void stop_some_process();
  void move_some_clock();
  void slow_some_disk();
  void forge();
  void break_a_host();
  void poisoned(const host_name& name, const grant_token& token);
  void heal();

  bool all_is_well() const;
  void check_all_are_back();

  size_t some_host() { return engine_.random.between(0, machines_.size() - 1); }
  void log_line(int level, const std::string& text);

  sim_options options_;
  engine engine_;
  witness witness_;
  std::shared_ptr<storage::memory_store> store_;
  checkers judges_;
  network network_;
  std::optional<workload> workload_;
  fault_options faults_;
  std::optional<farm_actors> farm_;
  life farm_life_;
  process_number farm_process_ = 0;
  milliseconds farm_clock_{0}; ///< how far the coordinator's wall clock is ahead
  bool bad_disk_ = false;      ///< its next commit fails
  std::vector<machine> machines_;
  std::vector<std::shared_ptr<host_disk>> old_disks_; ///< their events may be still to come
  bool healed_ = false;
};

} // namespace drover::sim
