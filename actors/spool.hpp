#pragma once
// Keeps what the coordinator has stored durably for a while, so that a damaged store can be
// repaired from its hosts, then removes it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/ports.hpp"
#include "actors/ticker.hpp"

#include <map>
#include <set>

namespace drover {

struct spool_state {
  using pointer = spool_actor::stateful_pointer<spool_state>;
  static inline const char* name = "spool";

  explicit spool_state(pointer actor) : self{actor} {}
  /// Takes up what an earlier agent confirmed.
  void start();
  void confirmed(const result_durable& news);
  void remove_due();
  void keep(const grant_token& token, milliseconds time);
  void arm();
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<spool_port> port;
  wall_clock clock;
  /// What is kept, and in the order of when it goes: at hundreds of steps a second there are a
  /// hundred thousand of them, and each must cost the same.
  std::set<grant_token> kept;
  std::multimap<actor_moment, grant_token> due;
  ticker timer;
  last_activity activity;
};

spool_actor::behavior_type spool(spool_state::pointer self, std::shared_ptr<spool_port> port,
                                 wall_clock clock);

} // namespace drover
