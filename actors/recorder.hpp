#pragma once
// The only writer of the store.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

/// Gathers batches and commits what has gathered in one synced batch: while one sync runs, the next
/// one fills. If the store fails, nobody is answered and `settings.fatal` is called: what was not
/// acknowledged may be lost, what was may not.
struct recorder_state {
  using pointer = recorder_actor::stateful_pointer<recorder_state>;
  static inline const char* name = "recorder";
  explicit recorder_state(pointer actor) : self{actor} {}

  caf::result<recorded> take(storage::write_batch batch);
  void flush();
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  std::function<void(const std::string&)> fatal;
  census_actor census;
  storage::write_batch gathered;
  std::vector<caf::typed_response_promise<recorded>> waiting;
  bool failed = false;
  uint64_t commits = 0;
  uint64_t batches = 0;
};

recorder_actor::behavior_type recorder(recorder_state::pointer self, const farm_settings& settings,
                                       census_actor census);

} // namespace drover
