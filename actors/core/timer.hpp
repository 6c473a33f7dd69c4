#pragma once
// When a timer's builds are due. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/cron.hpp"
#include "schema/model.hpp"

#include <optional>

namespace drover::core {

struct timer_decision {
  std::optional<wall_time> run;  ///< the time whose build is due
  std::optional<wall_time> last; ///< the newest time that has passed, run or not
  uint64_t missed = 0;           ///< times before it that passed as well and are not run
  bool too_old = false;          ///< it passed too long ago to be made up for
  std::optional<wall_time> next; ///< after now, and after what was run
  friend bool operator==(const timer_decision&, const timer_decision&) = default;
};

/// Of the times after `last` up to `now` the newest is run, if it is not older than
/// limits::timer_catch_up; the others never are. A clock that went back runs nothing twice: times
/// up to `last` are done.
timer_decision decide_timer(const cron_schedule& schedule, const zone_clock& zone, wall_time last,
                            wall_time now);

/// What a change that is built at its time says beside: that it is late, and what was left out.
std::string timer_note(const timer_decision& decision, wall_time now);

} // namespace drover::core
