#pragma once
// The coordinator's actors put together: what nodes/ and tests/sim/ spawn.
// SPDX-License-Identifier: Apache-2.0

#include "actors/archivist_types.hpp"
#include "actors/command_port.hpp"
#include "actors/core/store_room.hpp"
#include "actors/farm_cache_types.hpp"
#include "actors/ports.hpp"
#include "schema/cron.hpp"

#include <caf/actor_system.hpp>

namespace drover {

/// Where actors that block (recorder, artifact store) run.
enum class blocking_actors : uint8_t { own_thread, shared_scheduler };

/// The clock of a time zone by its name; empty: UTC.
using zone_opener = std::function<expected<zone_clock>(const std::string& name)>;

struct farm_settings {
  farm_config config; ///< in force; the coordinator changes its own copy on a reload
  epoch now;          ///< already durable in the store
  std::shared_ptr<storage::store> store;
  wall_clock clock;
  blocking_actors blocking = blocking_actors::own_thread;
  /// Called when the farm can't go on (the store failed, an actor died too often): the process must
  /// stop with this sentence. In the simulation it kills the coordinator.
  std::function<void(const std::string& why)> fatal;
  /// Where `config` is from: path, files, who started the farm. Empty in tests.
  config_record source = {};
  std::string version = {};                    ///< of the program, for the journal
  std::shared_ptr<source_port> sources = {};   ///< none: no source is watched
  report_reader read_report = {};              ///< none: report files are not read
  core::store_room_probe room = {};            ///< of the store's disk; none: there is always room
  zone_opener zones = {};                      ///< none: every timer is in UTC
  std::shared_ptr<command_port> commands = {}; ///< none: no host is brought back by commands
};

struct farm_actors {
  coordinator_actor coordinator;
  recorder_actor recorder;
  log_sink_actor log_sink;
  artifact_store_actor artifacts;
  census_actor census;
  analyst_actor analyst;
  archivist_actor archivist;
  result_cache_actor cache;
};

/// What the store's disk has left, as `settings` can tell.
inline core::store_room room_of(const farm_settings& settings) {
  return settings.room ? settings.room() : core::store_room{};
}

/// Spawns the coordinator's tree and recovers from the store: active builds go on, hosts get one
/// lease to come back. A store that can't be read is an error.
expected<farm_actors> spawn_farm(caf::actor_system& system, const farm_settings& settings);

/// Ends all of them; they stop at their next message.
void stop_farm(const farm_actors& actors);

} // namespace drover
