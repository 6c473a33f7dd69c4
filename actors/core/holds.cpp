// SPDX-License-Identifier: Apache-2.0
#include "actors/core/holds.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

namespace drover::core {

std::string hold_sentence(const host_hold& hold) {
  std::string text{hold.kind == hold_kind::pause ? "paused" : "drained"};
  if (!hold.by.empty())
    text += " by " + hold.by;
  text += " since " + to_string(hold.since);
  if (hold.until.ms != 0)
    text += " until " + to_string(hold.until);
  if (!hold.reason.empty())
    text += ": " + hold.reason;
  return printable(text, limits::reason_bytes_max);
}

bool is_over(const host_hold& hold, wall_time now) {
  return hold.kind != hold_kind::none && hold.until.ms != 0 && hold.until <= now;
}

} // namespace drover::core
