#pragma once
// The small parent of a host's agent: restarts it, and kills what no keeper holds any more.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <vector>

namespace drover {

/// What the parent needs to know.
struct agent_program {
  std::vector<std::string> arguments; ///< of the agent; the first one is the program's path
  std::string keeper;                 ///< path of drover-keeper: such children are left alone
};

/// Runs the agent until SIGTERM or SIGINT comes (which it passes on), or the agent ends by its own
/// wish with exit code 0 or `exit_usage`. Restarts an agent that dies, with the restart intensity
/// of limits::program_restarts_max. Being a subreaper it inherits keepers whose agent died, and
/// what a dead keeper left: the former go on, the latter are killed. (Under qemu, where no process
/// can be one, the former go on as well and the latter are their control groups' affair.) Tells the
/// service manager when the agent is ready (`agent_ready_signal`) and when it stops: only the main
/// process of a service is listened to, or any step could speak for it. Returns the exit code for
/// the process.
///
/// Expects SIGTERM, SIGINT, SIGCHLD and agent_ready_signal to be blocked, and no other thread.
int supervise_agent(const agent_program& agent);

} // namespace drover
