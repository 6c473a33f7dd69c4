#pragma once
// The host's end of the connection to the coordinator.
//
// Each link is one try: it connects, proves who it is, joins, and then carries messages until it
// dies with the connection. The agent, which monitors it, decides when to try again.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/loop.hpp"
#include "actors/edge/pki.hpp"
#include "actors/ports.hpp"

#include <string>

namespace drover {

/// What a link needs of the host's agent.
using farm_listener = caf::typed_actor<caf::reacts_to<connected>, caf::reacts_to<not_connected>,
                                       caf::reacts_to<farm_message>>;

/// Where the coordinator is ("HOST:PORT") and how this host proves its name.
struct farm_address {
  std::string address;
  key_files keys;
};

/// Begins one try: ends in `connected` (each later `farm_message` follows it) or `not_connected` to
/// `agent`. Keys are read anew each time, so renewed ones need no restart. From any thread.
farm_link_actor connect_farm(edge_loop& loop, const farm_address& where, const hello& greeting,
                             const farm_listener& agent);

/// `connect_farm` as the port that the agent uses. `loop` must outlive it.
connector make_connector(edge_loop& loop, const farm_address& where);

} // namespace drover
