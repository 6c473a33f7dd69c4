// SPDX-License-Identifier: Apache-2.0
#include "actors/host.hpp"

#include "actors/census.hpp"
#include "actors/host_agent.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

namespace drover {

host_actors spawn_host(caf::actor_system& system, const host_settings& settings) {
  host_actors actors;
  actors.census = system.spawn(census, settings.self.host.value);
  actors.agent = system.spawn(host_agent, settings, actors.census);
  caf::anon_send(actors.census, enlistment{"host_agent", "host_agent", "", actors.agent});
  return actors;
}

void stop_host(const host_actors& actors) {
  // The agent first: it ends its children, and would take the census's death for a defect.
  caf::anon_send_exit(actors.agent, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(actors.census, caf::exit_reason::user_shutdown);
}

} // namespace drover
