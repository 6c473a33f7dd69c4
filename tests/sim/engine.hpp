#pragma once
// One thread, one seed, one clock: runs actors in a random order and lets virtual time pass.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "tests/sim/chance.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <functional>
#include <map>
#include <string>

namespace drover::sim {

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

  caf::scheduler::test_coordinator& scheduler() const;
  void strike(caf::resumable& next);
  caf::actor_clock::time_point next_moment() const;

  config config_;

public:
  chance random;
  caf::actor_system system;

private:
  bool print_trace_;
  caf::actor_clock::time_point start_;
  std::multimap<caf::actor_clock::time_point, std::function<void()>> events_;
  trace_hash hash_;
  std::string doomed_;
  std::string failure_;
};

} // namespace drover::sim
