#pragma once
// Notes in the journal what hosts did at the doors that no host may do.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm_types.hpp"
#include "schema/model.hpp"

#include <functional>

namespace drover {

/// A host whose certificate is good broke a bound or came with what is not its own; its link was
/// dropped or its message refused for it.
struct misconduct {
  host_name host;
  std::string address; ///< for people
  std::string what;    ///< one sentence that begins with "it"
};

/// From links.
using conduct_taker = caf::typed_actor<caf::reacts_to<misconduct>>;
using warden_actor = conduct_taker::extend_with<described>;

/// `clock` tells wall time. Lives until it is told to exit.
warden_actor spawn_warden(caf::actor_system& system, const recorder_actor& recorder,
                          std::function<wall_time()> clock);

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::misconduct)
