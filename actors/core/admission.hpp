#pragma once
// Whether an agent that says hello under a name may have it: pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/liveness.hpp"

#include <optional>
#include <string>

namespace drover::core {

/// Which of all agents: the incarnation is random for each start, the boot id for each boot, the
/// machine id lies in the state folder and is copied with it.
struct agent_identity {
  std::string machine_id;
  std::string boot_id;
  uint64_t incarnation = 0;
  friend bool operator==(const agent_identity&, const agent_identity&) = default;
};

/// The agent that holds the name.
struct incumbent {
  agent_identity agent;
  milliseconds silent{0}; ///< since it was last heard
};

/// Nothing: the newcomer gets the name. Else why not: another agent holds it and is alive, that is,
/// its connection stands and it was heard within `suspect_after`. A new start of a dead agent, on
/// this machine or a new one, is never refused for longer than that.
std::optional<std::string> refuse_agent(const std::string& name,
                                        const std::optional<incumbent>& present,
                                        const agent_identity& newcomer, milliseconds suspect_after);

} // namespace drover::core
