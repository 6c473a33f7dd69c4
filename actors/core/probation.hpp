#pragma once
// How far a host is trusted: where it stands when it arrives, when it is retired. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/enrolment.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace drover::core {

/// Where a host is to stand from now on.
struct stage_decision {
  host_stage stage = host_stage::trusted;
  std::string note; ///< why, one sentence without the host's name
  friend bool operator==(const stage_decision&, const stage_decision&) = default;
};

/// A host says hello.
struct arrival_case {
  host_record known;                     ///< as it was before; never seen: without `first_seen`
  std::optional<host_identity> identity; ///< nothing: its certificate was not given for a token
  bool is_configured = false;            ///< the configuration names it
  wall_time now;
};

/// What its arrival changes. Whoever joins by a token begins on probation, and so does who comes
/// back from retirement; whom the configuration names is trusted.
std::optional<stage_decision> stage_on_arrival(const arrival_case& of);

/// The host was admitted, and its state folder is another one than before (`machine_id`) although
/// it did not join anew: the key came from elsewhere.
std::optional<stage_decision> stage_on_other_machine(const arrival_case& of,
                                                     const std::string& machine_id);

/// What a decision on retirement is made from.
struct silence_case {
  wall_time last_heard;       ///< 0: not known
  bool is_configured = false; ///< as above
  wall_time now;
  milliseconds retire_after{0}; ///< as configured; 0: limits::retire_after
};

/// Whether a host that is away was silent for so long that nobody waits for it.
std::optional<stage_decision> retirement(const host_view& host, const silence_case& of);

/// The journal's entry for a decision, which is the decision itself for the host's supervisor.
event_record stage_event(const host_name& host, const stage_decision& decided,
                         const std::string& by, wall_time at);
/// What an entry of that kind decided; nothing if it says no stage.
std::optional<stage_decision> decision_of(const event_record& event);

} // namespace drover::core
