#pragma once
// The only writer of the store.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "actors/ticker.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>

namespace drover {

/// Gathers batches and commits what has gathered in one synced batch: while one sync runs, the next
/// one fills. A batch that is sent, not requested, has no sync of its own: it goes with the next.
/// If the store fails, nobody is answered and `settings.fatal` is called: what was not
/// acknowledged may be lost, what was may not. While the disk is full nothing is written and nobody
/// is answered; it goes on by itself when there is room. Numbers the journal's entries as they are
/// committed.
struct recorder_state {
  using pointer = recorder_actor::stateful_pointer<recorder_state>;
  static inline const char* name = "recorder";
  explicit recorder_state(pointer actor) : self{actor} {}

  caf::result<recorded> take(storage::write_batch batch);
  caf::result<uint64_t> wait(const event_wait& request);
  void number_events();
  void tell_news();
  void answer_waiters();
  void note(size_t writes);
  void tick();
  void flush();
  bool hold_for_room();
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  std::function<void(const std::string&)> fatal;
  census_actor census;
  storage::write_batch gathered;
  std::vector<caf::typed_response_promise<recorded>> waiting;
  struct event_waiter {
    caf::typed_response_promise<uint64_t> promise;
    uint64_t after = 0;
    caf::actor_clock::time_point until;
  };
  std::vector<event_waiter> event_waiters;
  std::optional<caf::actor_clock::time_point> told; ///< when waiters heard of news, last
  uint64_t told_event = 0;                          ///< the newest that they heard of
  ticker timer;
  uint64_t last_event = 0;     ///< durable
  uint64_t numbered_event = 0; ///< given away; durable with the next commit
  bool failed = false;
  bool held = false; ///< nothing is written until the disk has room
  core::store_room_probe room;
  std::optional<size_t> noted_writes; ///< as the census was told last
  uint64_t commits = 0;
  uint64_t batches = 0;
};

/// `last_event`: the journal's last sequence in the store.
recorder_actor::behavior_type recorder(recorder_state::pointer self, const farm_settings& settings,
                                       census_actor census, uint64_t last_event);

} // namespace drover
