#pragma once
// What the coordinator remembers in order to heal: silences, suspicions, probes.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/allowance.hpp"
#include "actors/core/black_hole.hpp"
#include "actors/core/herd_alarm.hpp"
#include "actors/core/schedule.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace drover {

/// A quarantined host on its way back.
struct probe_plan {
  milliseconds next{0};  ///< when it is tried next, on the coordinator's clock
  uint32_t failures = 0; ///< probes that did not pass
  build_id running;      ///< 0: none
};

struct healing_state {
  milliseconds looked{-1};     ///< when the herd was last looked at; -1: never
  milliseconds looked_slow{0}; ///< the same for the slower duties
  milliseconds deaf_until{0};  ///< the coordinator was stopped: nothing is judged before
  core::herd_watch herd;
  milliseconds checked{0}; ///< when the own side was last asked, while braked
  core::allowance hedges;
  core::allowance requeues;
  /// Builds on silent hosts; nothing: it gets no second attempt. As long as the silence lasts.
  std::map<build_id, std::optional<core::queue_entry>> hedgeable;
  std::set<build_id> held_back; ///< builds of lost hosts that are re-queued slowly
  core::fault_book faults;
  std::map<host_name, probe_plan> probes;
  std::map<build_id, host_name> probing; ///< probe builds that are not over
  std::set<host_name> commands;          ///< hosts for which a command runs
  std::map<host_name, milliseconds> idle_since;
  std::map<host_name, milliseconds> started; ///< on-demand hosts: when last asked to start
};

} // namespace drover
