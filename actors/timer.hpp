#pragma once
// A source that is a clock: at its times, the newest change of another source is built.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/timer.hpp"
#include "actors/source.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

/// Speaks as any source does. A time's change is known by the time itself, and made durable with
/// its builds by the coordinator: a crash anywhere only means that the same time is looked at
/// again. `source_status::cursor` holds the last time that is done ("slot") and what it was a time
/// of ("schedule"): another schedule begins anew.
struct timer_state {
  using pointer = source_actor::stateful_pointer<timer_state>;
  static inline const char* name = "timer";
  explicit timer_state(pointer actor) : self{actor} {}

  void start();
  void tick();
  caf::result<expected<accepted>> look_now_for();
  void run(const core::timer_decision& decision);
  void done(wall_time slot, const std::string& error);
  void wait(const core::timer_decision& decision);
  void write_status();
  std::string schedule_text() const;
  actor_entry describe() const;

  pointer self;
  source_context farm;
  zone_clock zone;
  cron_schedule schedule;
  source_spec spec;
  source_status status;
  ticker timer;
  wall_time last;       ///< the last time that is done
  std::string obstacle; ///< why it can't run at all; empty: it can
  bool running = false; ///< a change is on its way to the coordinator
};

/// `zones`: opens a time zone by its name.
source_actor::behavior_type timer(timer_state::pointer self, const source_context& farm,
                                  const zone_opener& zones, const source_spec& spec,
                                  const source_status& status);

} // namespace drover
