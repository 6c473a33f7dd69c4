// SPDX-License-Identifier: Apache-2.0
#include "actors/farm.hpp"

#include "actors/analyst.hpp"
#include "actors/archivist.hpp"
#include "actors/artifact_store.hpp"
#include "actors/census.hpp"
#include "actors/coordinator.hpp"
#include "actors/log_sink.hpp"
#include "actors/recorder.hpp"
#include "actors/result_cache.hpp"
#include "storage/tables.hpp"

namespace drover {

namespace {

expected<recovered_state> read_back(const storage::store& store) {
  recovered_state found;
  auto active = storage::read_active(store);
  if (!active)
    return active.error();
  auto hosts = storage::read_hosts(store);
  if (!hosts)
    return hosts.error();
  auto build = storage::last_build(store);
  if (!build)
    return build.error();
  auto campaign = storage::last_campaign(store);
  if (!campaign)
    return campaign.error();
  auto config = storage::newest_config(store);
  if (!config)
    return config.error();
  auto change = storage::last_change(store);
  if (!change)
    return change.error();
  auto event = storage::last_event(store);
  if (!event)
    return event.error();
  return recovered_state{
    std::move(*active), std::move(*hosts), *build, *campaign, *event, *config, *change};
}

} // namespace

expected<farm_actors> spawn_farm(caf::actor_system& system, const farm_settings& settings) {
  auto found = read_back(*settings.store);
  if (!found)
    return found.error();
  farm_actors actors;
  farm_services services;
  services.census = system.spawn(census, std::string{"coordinator"});
  bool own_thread = settings.blocking == blocking_actors::own_thread;
  services.recorder =
    own_thread ? system.spawn<caf::detached>(recorder, settings, services.census, found->last_event)
               : system.spawn(recorder, settings, services.census, found->last_event);
  services.artifacts = own_thread ? system.spawn<caf::detached>(artifact_store, settings)
                                  : system.spawn(artifact_store, settings);
  services.log_sink = system.spawn(log_sink, settings, services.recorder);
  services.analyst =
    own_thread ? system.spawn<caf::detached>(analyst, settings, services.recorder, services.census)
               : system.spawn(analyst, settings, services.recorder, services.census);
  services.archivist =
    own_thread
      ? system.spawn<caf::detached>(archivist, settings, services.recorder, services.census)
      : system.spawn(archivist, settings, services.recorder, services.census);
  services.cache = own_thread
                     ? system.spawn<caf::detached>(result_cache, settings, services.recorder)
                     : system.spawn(result_cache, settings, services.recorder);
  actors.coordinator = system.spawn(coordinator, settings, services, *found);
  // The coordinator watches its children; only the process is above the coordinator.
  caf::actor_cast<caf::actor>(actors.coordinator)
    ->attach_functor([&system, fatal = settings.fatal](const caf::error& reason) {
      if (reason != caf::exit_reason::user_shutdown)
        fatal("its coordinator died: " + system.render(reason));
    });
  auto enlist = [&](const char* name, const char* parent, const described& actor) {
    caf::anon_send(services.census, enlistment{name, name, parent, actor});
  };
  enlist("coordinator", "", actors.coordinator);
  enlist("recorder", "coordinator", services.recorder);
  enlist("log_sink", "coordinator", services.log_sink);
  enlist("artifact_store", "coordinator", services.artifacts);
  enlist("analyst", "coordinator", services.analyst);
  enlist("archivist", "coordinator", services.archivist);
  enlist("result_cache", "coordinator", services.cache);
  actors.recorder = services.recorder;
  actors.log_sink = services.log_sink;
  actors.artifacts = services.artifacts;
  actors.census = services.census;
  actors.analyst = services.analyst;
  actors.archivist = services.archivist;
  actors.cache = services.cache;
  return actors;
}

void stop_farm(const farm_actors& actors) {
  auto stop = [](const auto& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  };
  stop(actors.coordinator);
  stop(actors.log_sink);
  stop(actors.artifacts);
  stop(actors.analyst);
  stop(actors.archivist);
  stop(actors.cache);
  stop(actors.recorder);
  stop(actors.census);
}

} // namespace drover
