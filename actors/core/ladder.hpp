#pragma once
// How a host that is lost is brought back: which command comes next, and when. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <variant>

namespace drover::core {

/// Nothing to do: no commands, or all of them were tried.
struct ladder_rest {
  friend bool operator==(const ladder_rest&, const ladder_rest&) = default;
};
/// The next move comes then.
struct ladder_wait {
  wall_time until;
  std::string why;
  friend bool operator==(const ladder_wait&, const ladder_wait&) = default;
};
struct ladder_run {
  ladder_rung rung = ladder_rung::none;
  std::string command;
  friend bool operator==(const ladder_run&, const ladder_run&) = default;
};
struct ladder_give_up {
  std::string why;
  friend bool operator==(const ladder_give_up&, const ladder_give_up&) = default;
};
using ladder_move = std::variant<ladder_rest, ladder_wait, ladder_run, ladder_give_up>;

/// What to do for a host that is lost since `lost_since`. All that was done before is in `record`,
/// so that a restart of the coordinator does not begin at the first rung again.
ladder_move next_rung(const restart_commands& commands, const ladder_record& record,
                      wall_time lost_since, wall_time now);

/// Enters that the command of a rung runs from `now` on.
void apply_run(ladder_record& record, ladder_rung rung, const restart_commands& commands,
               wall_time now);

/// The host is well again: the next time begins at the first rung. What ran counts against the
/// budget still.
void apply_back(ladder_record& record);

/// "agent command", "reboot", "power cycle": as people read it.
std::string rung_words(ladder_rung rung);

/// How a command ended, one sentence: its exit code and the end of what it printed.
std::string outcome_words(int32_t exit_code, const std::string& output);

} // namespace drover::core
