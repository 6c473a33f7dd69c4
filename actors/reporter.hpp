#pragma once
// Delivers the notices of one reporter through its port, until each has arrived or was given up.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/notice_port.hpp"
#include "actors/outbox_types.hpp"
#include "actors/ports.hpp"
#include "actors/ticker.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <random>
#include <set>

namespace drover {

/// What a reporter needs of the farm.
struct reporter_context {
  wall_clock clock;
  std::shared_ptr<storage::store> store;
  recorder_actor recorder;
  census_actor census;
  std::shared_ptr<notice_port> port; ///< none: nothing of this kind can be delivered here
  uint64_t seed = 0;                 ///< of the jitter
};

/// One try at a time: deliver, then mark, then the next. A crash between the two delivers again
/// under the same id. Takes what waits from the store alone, so that it forgets nothing. Blocks in
/// its port: real programs give it a thread.
struct reporter_state {
  using pointer = reporter_actor::stateful_pointer<reporter_state>;
  static inline const char* name = "reporter";
  explicit reporter_state(pointer actor) : self{actor} {}

  void look(bool now);
  void work();
  void deliver(const notice_record& notice);
  void mark(const notice_record& notice);
  std::string own_name() const { return "reporter/" + spec.name; }
  actor_entry describe() const;

  pointer self;
  reporter_context farm;
  reporter_spec spec;
  ticker timer;
  std::mt19937_64 random;
  bool marking = false;         ///< a try's outcome is on its way to the disk
  std::set<uint64_t> impatient; ///< ids that are tried now whatever they say
  size_t waiting = 0;
  wall_time next_try; ///< 0: nothing is planned
  last_activity activity;
  std::string trouble; ///< of the last try; empty: it went well
};

reporter_actor::behavior_type reporter(reporter_state::pointer self,
                                       const reporter_context& context, const reporter_spec& spec);

} // namespace drover
