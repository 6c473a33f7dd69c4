#pragma once
// Starts the command of a step: its own session, its output in a pipe or a terminal, nothing
// inherited.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/cgroup.hpp"
#include "schema/keeper.hpp"

namespace drover {

struct running_command {
  int32_t pid = 0; ///< also its session and process group
  unique_fd output;
};

/// Runs `/bin/sh -c order.run` in order.workspace with exactly order.env (and TERM, if its output
/// is a terminal and it has none), nothing to read on its standard input, in `groups`, as the
/// order's user, without core dumps, nicer than this process. All signals are as a fresh process
/// has them; the command dies with the process that calls this. An error if the command could not
/// be started; then no process is left of it.
expected<running_command> start_command(const keeper_order& order, const step_groups& groups);

} // namespace drover
