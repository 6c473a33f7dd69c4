#pragma once
// The file in which the owner of a machine says what the farm may do with it (docs/OPERATING.md).
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/owner_rules.hpp"
#include "actors/host.hpp"
#include "schema/error.hpp"

#include <string>

namespace drover {

/// Rules in YAML; a failure names the line and what is wrong with it. An empty text has no rules.
expected<core::owner_rules> parse_owner_rules(const std::string& file, const std::string& text);
/// No file: no rules.
expected<core::owner_rules> read_owner_rules(const std::string& file);

/// The facts that the rules make of this machine at this moment.
string_map owner_facts_now(const core::owner_rules& rules);

/// All that runs from here on is so much nicer; before any thread is started.
void be_nice(uint32_t nice);

using owner_watch_actor = described;

/// Reads the file again when it changes, and tells `agent` of what it allows at this time. A file
/// with mistakes changes nothing; they are logged once.
owner_watch_actor spawn_owner_watch(caf::actor_system& system, const std::string& file,
                                    const core::owner_rules& rules, const host_agent_actor& agent);

} // namespace drover
