#pragma once
// What the coordinator remembers in order to heal: silences, suspicions, probes.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/allowance.hpp"
#include "actors/core/black_hole.hpp"
#include "actors/core/canary.hpp"
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

/// A host on probation on its way to be trusted. Lost with the coordinator, which begins it anew.
struct canary_trial {
  milliseconds next{0};                ///< no canary before, on the coordinator's clock
  uint32_t failures = 0;               ///< canaries that spoke against it, in a row
  std::set<std::string> passed;        ///< builders
  std::optional<builder_spec> canary;  ///< the present one
  build_id running;                    ///< 0: none
  std::optional<core::canary_end> own; ///< how it ended there
  std::optional<milliseconds> waits;   ///< since when that waits for a peer that is not free
};

/// What known-good hosts of one kind make of a canary.
struct canary_reference {
  build_id running; ///< 0: none
  host_name host;   ///< where it runs or ran
  std::optional<core::canary_end> end;
  milliseconds at{0}; ///< when it ended
};

/// What one look at the trials has found already: many newcomers must not look at all hosts each.
struct peer_search {
  std::vector<core::peer_offer> hosts;           ///< empty: not looked at yet
  std::map<std::string, core::peer_choice> none; ///< by reference: no host was free
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
  std::set<build_id> repeated; ///< what quarantined hosts failed and was begun again in this life
  std::map<host_name, probe_plan> probes;
  std::map<build_id, host_name> probing; ///< probe builds that are not over
  std::map<host_name, canary_trial> trials;
  std::map<std::string, canary_reference> references; ///< by `reference_key`
  peer_search peers;
  std::map<build_id, std::string> canaries; ///< that are not over -> reference; empty: a trial's
  std::set<host_name> commands;             ///< hosts for which a command runs
  std::map<host_name, milliseconds> idle_since;
  std::map<host_name, milliseconds> started; ///< on-demand hosts: when last asked to start
};

} // namespace drover
