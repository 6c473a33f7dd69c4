// SPDX-License-Identifier: Apache-2.0
#include "actors/core/admission.hpp"

namespace drover::core {
namespace {

/// What the two have in common says how they came to be two.
std::string how(const agent_identity& first, const agent_identity& second) {
  if (first.machine_id != second.machine_id)
    return "on another machine: give this one a name and keys of its own";
  if (first.boot_id != second.boot_id)
    return "on a machine with a copy of this state folder: give each its own folder, name and keys";
  return "on this very machine: stop one of the two";
}

} // namespace

std::optional<std::string> refuse_agent(const std::string& name,
                                        const std::optional<incumbent>& present,
                                        const agent_identity& newcomer,
                                        milliseconds suspect_after) {
  if (!present || present->agent == newcomer || present->silent >= suspect_after)
    return std::nullopt;
  return "an agent named " + name + " is alive " + how(present->agent, newcomer);
}

} // namespace drover::core
