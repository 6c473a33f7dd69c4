#pragma once
// What actors of both sides say: the census, and the messages of links as CAF messages.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/messages.hpp"
#include "schema/model.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <memory>
#include <utility>

namespace drover {

namespace atom {
// At most ten characters each (CAF 0.17).
using describe = caf::atom_constant<caf::atom("describe")>; ///< the census asks an actor
using plan = caf::atom_constant<caf::atom("plan")>;         ///< INTERNAL: place what can be placed
using tick = caf::atom_constant<caf::atom("tick")>;         ///< INTERNAL: a timer
using flush = caf::atom_constant<caf::atom("flush")>;       ///< INTERNAL: commit what has gathered
using seal = caf::atom_constant<caf::atom("seal")>;
using stop = caf::atom_constant<caf::atom("stop")>;
} // namespace atom

// -- the census ----------------------------------------------------------------------------------

/// Any actor answers this with what it is and what it waits for.
using described = caf::typed_actor<caf::replies_to<atom::describe>::with<actor_entry>>;

/// Makes an actor known to the census; sent by its parent right after the spawn.
struct enlistment {
  std::string name;
  std::string kind;
  std::string parent;
  described actor;
};

/// What an actor is about to do or waits for, said before it may block.
struct actor_note {
  std::string name;
  std::string state;
};

/// One a process: knows every actor of it, asks all of them, and shows those that don't answer as
/// blocked, with the last note they left.
using census_actor =
  caf::typed_actor<caf::reacts_to<enlistment>, caf::reacts_to<actor_note>,
                   // All entries of this process, after limits::census_answer at the latest.
                   caf::replies_to<atom::describe>::with<std::vector<actor_entry>>>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::actor_entry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<drover::actor_entry>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::enlistment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::actor_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::farm_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::log_durable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::grant_token)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::blob_piece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::blob_stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cancel_attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::close_build)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::result_durable)
