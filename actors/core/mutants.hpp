#pragma once
// Defects that can be switched on, to prove that the simulation's checkers catch them.
//
// Only tests/sim switches one on, before anything runs; everywhere else `active_mutant` is none.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>

namespace drover::core {

enum class mutant : uint8_t {
  none,
  no_fencing, ///< results are accepted whatever their token and whatever stands already
  acknowledge_before_sync, ///< the recorder answers before the batch is on disk
  no_hedge,                ///< a silent host's work waits for the end of its lease
  hedge_exclusive,         ///< exclusive steps get second attempts too
  no_brake,                ///< half the herd gone at once changes nothing
  no_quarantine,           ///< a host that fails what others pass goes on
  no_poison,               ///< a build that kills hosts is tried on the next one
  stopped_is_silence,      ///< the time that the coordinator itself was stopped counts as silence
  link_loss_is_death,      ///< a host whose link breaks has lost its work
  no_clean_up,             ///< the workspace of a build that is over stays
  any_host_reports,        ///< a host is believed what it says of others' attempts
  no_reasons               ///< builds end without saying why
};

inline mutant active_mutant = mutant::none;

inline bool is_mutant(mutant which) {
  return active_mutant == which;
}

} // namespace drover::core
