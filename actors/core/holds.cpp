// SPDX-License-Identifier: Apache-2.0
#include "actors/core/holds.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

namespace drover::core {

namespace {

const char* verb_of(hold_kind kind) {
  switch (kind) {
  case hold_kind::pause:
    return "paused";
  case hold_kind::quarantine:
    return "quarantined";
  case hold_kind::health:
    return "unwell";
  default:
    return "drained";
  }
}

} // namespace

std::string hold_sentence(const host_hold& hold) {
  std::string text{verb_of(hold.kind)};
  if (!hold.by.empty() && hold.kind != hold_kind::health)
    text += " by " + hold.by;
  text += " since " + to_string(hold.since);
  if (hold.until.ms != 0)
    text += " until " + to_string(hold.until);
  if (!hold.reason.empty())
    text += ": " + hold.reason;
  return printable(text, limits::reason_bytes_max);
}

host_state held_state(hold_kind kind) {
  switch (kind) {
  case hold_kind::none:
    return host_state::up;
  case hold_kind::pause:
    return host_state::paused;
  case hold_kind::quarantine:
    return host_state::quarantined;
  default:
    return host_state::draining;
  }
}

bool is_over(const host_hold& hold, wall_time now) {
  return hold.kind != hold_kind::none && hold.until.ms != 0 && hold.until <= now;
}

} // namespace drover::core
