#pragma once
// What a step leaves behind when its keeper was killed: finding it and killing it.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/process_table.hpp"
#include "nodes/spool_folder.hpp"

namespace drover {

/// Kills, and waits until dead, every process that is known to belong to the attempt in `folder`:
/// those in its command's session, those with its token in their environment, all descendants of
/// both. Repeats until there is none, for limits::kill_wait at most. After a reboot there is
/// nothing to look for. Returns what was killed; an error names what could not be.
expected<std::vector<process_entry>> kill_leftovers(const std::string& folder,
                                                    const std::string& token_text);

} // namespace drover
