#pragma once
// The coordinator's end of one connection to a host.
//
// Spawned by the listener once TLS has told who the host is. It waits for `join`, sends `arrival`
// to the coordinator, and answers `join` by the first `farm_message` that it is told: `welcome` or
// `refusal`. It quits when the connection ends, when the host breaks a bound, or when whoever
// listens to it is gone; whoever needs to know monitors it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/line_guard.hpp"
#include "actors/edge/guarded_stream.hpp"
#include "actors/edge/loop.hpp"
#include "actors/types.hpp"
#include "actors/warden.hpp"

#include <kj/async-io.h>

#include <memory>
#include <string>

namespace drover {

/// Whom arrivals are told to: the coordinator.
using arrival_taker = caf::typed_actor<caf::reacts_to<arrival>>;

/// A host that has proved its name and not yet joined.
struct guest {
  kj::Own<kj::AsyncIoStream> stream;
  std::string name;    ///< the certificate's common name, a valid name
  std::string address; ///< for people
  peer_bounds bounds = {};
  std::shared_ptr<line_guard> lines = {}; ///< of all links of this name; none: no bound
  std::string refused = {};  ///< why it is not to be let in, for its `join`; empty: it is
  conduct_taker warden = {}; ///< hears what it does that no host may; none: the log alone
};

host_link_actor spawn_host_link(edge_loop& loop, guest who, const arrival_taker& coordinator);

} // namespace drover
