#pragma once
// A host's actors put together: what nodes/ and tests/sim/ spawn.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/health.hpp"
#include "actors/farm.hpp"
#include "actors/host_cache_types.hpp"
#include "schema/limits.hpp"

namespace drover {

struct host_settings {
  hello self; ///< `known` is filled from the spool
  std::shared_ptr<spool_port> spool;
  std::shared_ptr<workspace_port> workspaces;
  connector connect;
  wall_clock clock;
  uint64_t seed = 0;   ///< for the jitter of reconnects
  string_map base_env; ///< PATH, HOME and the like, for every step
  /// Of an exclusive step that starts now; later ones come with the coordinator's welcome.
  milliseconds lease = limits::lease;
  blocking_actors blocking = blocking_actors::own_thread;
  std::function<void(const std::string& why)> fatal;
  /// Ends the process so that it is started again at once, as a person has ordered. Where there is
  /// none, `fatal` does it.
  std::function<void(const std::string& why)> restart = {};
  /// Looks at this machine; may take seconds, so it gets a thread of its own where `blocking` says
  /// so. Where there is none, the host counts as well.
  std::function<core::vital_signs()> vital_signs = {};
  std::string trouble = {};               ///< what a look before the start has found
  std::shared_ptr<cache_port> cache = {}; ///< none: every step runs
};

struct host_actors {
  host_agent_actor agent;
  census_actor census;
};

/// Spawns the host's tree: adopts what is in the spool, connects, beats.
host_actors spawn_host(caf::actor_system& system, const host_settings& settings);

/// Ends all of them; keepers go on.
void stop_host(const host_actors& actors);

} // namespace drover
