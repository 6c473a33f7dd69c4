#pragma once
// What gives new machines their certificates and watches the door, from the coordinator's start to
// its end.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/listener.hpp"
#include "actors/edge/loop.hpp"
#include "actors/enroller.hpp"
#include "actors/farm.hpp"
#include "actors/warden.hpp"
#include "nodes/http/api.hpp"

namespace drover {

/// What new machines get their certificates from, and the door that knows which ones hold.
struct enrolment {
  std::shared_ptr<authority_port> authority;
  std::shared_ptr<certificate_book> book;
  enroller_actor enroller;
  warden_actor warden;
};

struct enrolment_choice {
  std::string keys;          ///< folder of the farm's keys; made if they are not there
  std::chrono::seconds life; ///< of a host's certificate
};

/// Stops the process if it can't be had.
enrolment begin_enrolment(caf::actor_system& system, edge_loop& loop, const farm_settings& settings,
                          const farm_actors& farm, const enrolment_choice& chosen);
/// The enroller speaks to the loop: call it before that ends.
void end_enrolment(caf::actor_system& system, enrolment& what);
/// Where new machines find the farm (`address`), and how they know that it is the right one.
http::enrolment_desk desk_of(const enrolment& what, const std::string& address);

} // namespace drover
