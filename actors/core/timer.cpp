// SPDX-License-Identifier: Apache-2.0
#include "actors/core/timer.hpp"

#include "actors/core/explain/words.hpp"
#include "schema/limits_timer.hpp"

#include <algorithm>

namespace drover::core {

namespace {

/// The newest time before `limit`, of which `some` is one. Halves the span: there may be years of
/// minutes between.
wall_time newest_before(const cron_schedule& schedule, const zone_clock& zone, wall_time some,
                        wall_time limit) {
  auto end = limit;
  while (end.ms - some.ms > 1) {
    wall_time middle{some.ms + (end.ms - some.ms) / 2};
    auto slot = next_slot(schedule, zone, middle);
    if (slot && *slot < limit)
      some = *slot;
    else
      end = middle;
  }
  return some;
}

} // namespace

timer_decision decide_timer(const cron_schedule& schedule, const zone_clock& zone, wall_time last,
                            wall_time now) {
  timer_decision out;
  wall_time oldest{now.ms - limits::timer_catch_up.count()};
  auto slot = next_slot(schedule, zone, last);
  if (slot && *slot < oldest) { // all that is too old is passed over in one step
    out.last = newest_before(schedule, zone, *slot, oldest);
    out.too_old = true;
    slot = next_slot(schedule, zone, *out.last);
  }
  for (; slot && *slot <= now; slot = next_slot(schedule, zone, *slot)) {
    if (out.last)
      out.missed = std::min(out.missed + 1, limits::timer_missed_max);
    out.last = out.run = slot;
    out.too_old = false;
  }
  out.next = slot;
  return out;
}

std::string timer_note(const timer_decision& decision, wall_time now) {
  std::string note;
  if (decision.run && now.ms - decision.run->ms > limits::timer_late.count())
    note = "late: its time was " + moment(*decision.run);
  if (decision.missed > 0)
    note += (note.empty() ? "" : "; ") + counted(decision.missed, "earlier time") + " left out";
  return note;
}

} // namespace drover::core
