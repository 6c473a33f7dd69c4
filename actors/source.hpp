#pragma once
// Watches one source: looks when its time has come, stores what is new, tells the coordinator.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/farm.hpp"
#include "actors/ticker.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>

namespace drover {

/// What a source needs of the farm.
struct source_context {
  wall_clock clock;
  std::shared_ptr<storage::store> store;
  std::shared_ptr<source_port> outside;
  recorder_actor recorder;
  artifact_store_actor artifacts;
  coordinator_actor coordinator;
  census_actor census;
};

/// One look at a time: look, store each new content, hand each change to the coordinator, which
/// makes it durable with its builds; then the status with the cursor. A crash anywhere only means
/// that the same changes are found again, and known by their identity.
struct source_state {
  using pointer = source_actor::stateful_pointer<source_state>;
  static inline const char* name = "source";
  explicit source_state(pointer actor) : self{actor} {}

  void tick();
  caf::result<expected<accepted>> look_now_for(const std::string& by);
  void look();
  void take_next();
  void upload(uint64_t offset);
  void hand_over(const stored_blob& blob);
  void drop_file(const found_change& done);
  void finish(const std::string& error);
  void answer(const std::string& error);
  actor_entry describe() const;

  pointer self;
  source_context farm;
  source_spec spec;
  source_status status;
  ticker timer;
  bool looking = false;
  bool again = false; ///< somebody asked for a look while one was under way
  std::deque<found_change> found;
  string_map next_cursor;
  std::string problem; ///< with some of the look that is under way; empty: none
  uint64_t upload_number = 0;
  std::vector<caf::typed_response_promise<expected<accepted>>> askers;
  size_t taken = 0;      ///< changes of the look that is under way
  uint32_t failures = 0; ///< looks in a row
};

source_actor::behavior_type source(source_state::pointer self, const source_context& farm,
                                   const source_spec& spec, const source_status& status);

} // namespace drover
