#pragma once
// One thread, one seed, one clock: runs actors in a random order and lets virtual time pass.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "tests/sim/chance.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace drover::sim {

/// A process of the farm, for `engine::stop`; 0: none.
using process_number = uint32_t;

/// Actors run only inside `run_until`; each step runs one message of a randomly chosen actor, so
/// that each mailbox keeps its order and nothing else does. Not thread-safe: there is one thread.
class engine {
public:
  engine(uint64_t seed, bool print_trace);
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Virtual time since the start.
  milliseconds now() const;
  wall_time wall() const;

  /// Runs `event` at its virtual time, after the actors have come to rest.
  void after(milliseconds delay, std::function<void()> event);

  /// Lets time pass until `time`, until something failed, or until `enough()`.
  void run_until(milliseconds time, const std::function<bool()>& enough);
  void run_until(milliseconds time);
  /// Runs all actors until none has anything to do at this moment.
  void settle();
  /// At the end: runs all actors, whatever has failed, until nothing is left to do.
  void drain();

  /// The next actor of this kind that is about to run is killed instead; empty: none.
  void doom(const std::string& kind) { doomed_ = kind; }

  // -- processes, and what stops them --
  process_number new_process() { return ++last_process_; }
  /// What `spawn` spawns belongs to the process, and so does all that those actors spawn.
  template <class Spawn>
  auto in_process(process_number process, Spawn spawn) {
    auto before = system.latest_actor_id();
    auto made = spawn();
    adopt(before, process);
    return made;
  }
  /// No actor of the process runs for so long; what is sent to it waits.
  void stop(process_number process, milliseconds time);
  /// The same for the next actor of this kind that is about to run.
  void stall(const std::string& kind, milliseconds time);
  /// All that is stopped goes on at once.
  void release_all();
  bool is_stopped(process_number process) const;

  /// Something happened: goes into the hash, with the time.
  void note(const std::string& what);
  /// The run has failed; only the first reason counts.
  void fail(const std::string& why);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  uint64_t hash() const { return hash_.value(); }

private:
  class config : public caf::actor_system_config {
  public:
    config();
  };

  using moment = caf::actor_clock::time_point;

  caf::scheduler::test_coordinator& scheduler() const { return scheduler_; }
  void strike(caf::scheduled_actor& next);
  void run_one(caf::resumable* next);
  bool has_to_wait(caf::resumable* next);
  void adopt(caf::actor_id since, process_number process);
  void wake_waiting();
  caf::actor_clock::time_point next_moment() const;

  config config_;

public:
  chance random;
  caf::actor_system system;

private:
  caf::scheduler::test_coordinator& scheduler_;
  bool print_trace_;
  caf::actor_clock::time_point start_;
  std::multimap<caf::actor_clock::time_point, std::function<void()>> events_;
  process_number last_process_ = 0;
  std::vector<process_number> owners_;       ///< by actor
  std::map<process_number, moment> stopped_; ///< until when
  std::map<caf::actor_id, moment> stalled_;
  std::vector<caf::resumable*> waiting_; ///< would run, but are stopped
  std::string to_stall_;
  milliseconds stall_time_{0};
  trace_hash hash_;
  std::string line_; ///< of the trace, kept for its memory
  std::string doomed_;
  std::string failure_;
};

} // namespace drover::sim
