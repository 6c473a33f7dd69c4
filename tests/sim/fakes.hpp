#pragma once
// The ports of one agent's life: they reach the disk until the agent dies, and nothing afterwards.
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/disk.hpp"

namespace drover::sim {

/// False once the process that holds a port is dead.
using life = std::shared_ptr<bool>;

/// What a port of a dead process answers.
inline constexpr const char* dead_process = "the process is dead";

/// A blob that builds are made from.
struct sim_source {
  source_ref ref;
  uint64_t stream = 0;
};

std::shared_ptr<spool_port> make_spool(std::shared_ptr<host_disk> disk, life alive);
std::shared_ptr<workspace_port> make_workspaces(engine& on, std::shared_ptr<host_disk> disk,
                                                life alive, const std::vector<sim_source>& sources);

/// SHA-256 in hex.
std::string digest_of(std::string_view bytes);

/// What a build leaves behind: (path, stream) of each artifact; the size is in the reference.
struct sim_artifact {
  artifact_ref ref;
  uint64_t stream = 0;
};
const std::vector<sim_artifact>& artifacts_of(build_id build);

} // namespace drover::sim
