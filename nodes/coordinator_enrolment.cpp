// SPDX-License-Identifier: Apache-2.0
#include "nodes/coordinator_enrolment.hpp"

#include "actors/edge/certify.hpp"
#include "actors/edge/pki.hpp"
#include "nodes/http/caller.hpp"
#include "nodes/runtime.hpp"
#include "storage/identities.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

namespace drover {

enrolment begin_enrolment(caf::actor_system& system, edge_loop& loop, const farm_settings& settings,
                          const farm_actors& farm, const enrolment_choice& chosen) {
  if (auto problem = make_farm_keys(chosen.keys))
    stop_fatally(problem->text);
  auto authority = open_authority(chosen.keys);
  if (!authority)
    stop_fatally(authority.error().text);
  auto known = storage::read_identities(*settings.store);
  if (!known)
    stop_fatally(known.error().text);
  enrolment out{*authority, std::make_shared<certificate_book>(*known), {}, {}};
  enroller_settings enrol;
  enrol.farm = settings.config.farm;
  enrol.store = settings.store;
  enrol.recorder = farm.recorder;
  enrol.clock = settings.clock;
  enrol.authority = out.authority;
  enrol.life = chosen.life;
  enrol.digest = [](const std::string& token) { return http::digest_of_token(token); };
  enrol.publish = [&loop, book = out.book](const host_identity& identity) {
    loop.post([book, identity] { book->put(identity); });
  };
  out.enroller = spawn_enroller(system, enrol);
  caf::anon_send(farm.census, enlistment{"enroller", "enroller", "coordinator", out.enroller});
  caf::actor_cast<caf::actor>(out.enroller)->attach_functor([&system](const caf::error& reason) {
    if (reason != caf::exit_reason::user_shutdown)
      stop_fatally("its enroller died: " + system.render(reason));
  });
  out.warden = spawn_warden(system, farm.recorder, settings.clock);
  caf::anon_send(farm.census, enlistment{"warden", "warden", "coordinator", out.warden});
  return out;
}

void end_enrolment(caf::actor_system& system, enrolment& what) {
  caf::scoped_actor self{system};
  self->send_exit(what.enroller, caf::exit_reason::user_shutdown);
  self->send_exit(what.warden, caf::exit_reason::user_shutdown);
  self->wait_for(what.enroller, what.warden);
  what = {};
}

http::enrolment_desk desk_of(const enrolment& what, const std::string& address) {
  auto fingerprint = key_fingerprint(what.authority->certificate());
  if (!fingerprint)
    stop_fatally(fingerprint.error().text);
  return {what.enroller, address, *fingerprint};
}

} // namespace drover
