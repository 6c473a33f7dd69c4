// SPDX-License-Identifier: Apache-2.0
#include "nodes/coordinator_notices.hpp"

#include "nodes/http/explain.hpp"
#include "nodes/runtime.hpp"

namespace drover {

namespace {

void end_with(caf::actor_system& system, const std::string& name, const caf::actor& actor) {
  actor->attach_functor([&system, name](const caf::error& reason) {
    if (reason != caf::exit_reason::user_shutdown)
      stop_fatally("its " + name + " died: " + system.render(reason));
  });
}

} // namespace

farm_voice::farm_voice(caf::actor_system& system, const farm_actors& farm,
                       const farm_settings& settings, const std::string& folder) {
  auto connections = std::make_shared<irc_registry>();
  irc_farm heard{system,        settings.store, farm.coordinator,
                 farm.recorder, farm.census,    settings.clock};
  irc_ = spawn_irc_desk(system, {heard, connections, folder});
  end_with(system, "irc", caf::actor_cast<caf::actor>(irc_));
  outbox_context told{
    settings.clock,
    settings.store,
    farm.recorder,
    farm.coordinator,
    farm.census,
    [store = settings.store](const build_file& file) { return http::look_around(*store, file); },
    {{"irc", std::make_shared<irc_port>(connections)}}};
  reporters::port_settings shared{settings.config.farm, folder, settings.clock, stopping_};
  told.ports["mail"] = std::make_shared<reporters::mail_port>(shared);
  told.ports["webhook"] = std::make_shared<reporters::webhook_port>(shared);
  told.seed = random_number();
  outbox_ = spawn_outbox(system, told);
  end_with(system, "outbox", caf::actor_cast<caf::actor>(outbox_));
}

void farm_voice::stop() {
  *stopping_ = true;   // ends mail and webhooks that are under way
  stop_irc_desk(irc_); // first: the outbox may wait for an answer from it
  stop_outbox(outbox_);
  irc_ = irc_desk_actor{};
  outbox_ = outbox_actor{};
}

} // namespace drover
