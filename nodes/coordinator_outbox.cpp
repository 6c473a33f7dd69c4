// SPDX-License-Identifier: Apache-2.0
#include "nodes/coordinator_outbox.hpp"

#include "actors/outbox.hpp"
#include "nodes/http/explain.hpp"
#include "nodes/reporters/reporters.hpp"
#include "nodes/runtime.hpp"

namespace drover {

people_told::people_told(caf::actor_system& system, const farm_actors& farm,
                         const farm_settings& settings, const std::string& config_folder) {
  reporters::port_settings shared{settings.config.farm, config_folder, settings.clock, stopping_};
  outbox_context context;
  context.clock = settings.clock;
  context.store = settings.store;
  context.recorder = farm.recorder;
  context.coordinator = farm.coordinator;
  context.census = farm.census;
  context.look_around = [store = settings.store](const build_file& file) {
    return http::look_around(*store, file);
  };
  context.ports["mail"] = std::make_shared<reporters::mail_port>(shared);
  context.ports["webhook"] = std::make_shared<reporters::webhook_port>(shared);
  context.seed = random_number();
  actor_ = spawn_outbox(system, context);
}

void people_told::stop() {
  *stopping_ = true;
  stop_outbox(actor_);
  actor_ = outbox_actor{}; // the system waits for the last handle, too
}

} // namespace drover
