#pragma once
// The farm's HTTP API, version 1: which request is answered by whom. Every route: docs/API.md.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/gateway.hpp"
#include "nodes/http/server.hpp"
#include "storage/tables.hpp"

namespace drover::http {

/// What the API answers from: reads come from the store, the rest from actors.
struct api_parts {
  std::string farm;    ///< its name
  std::string version; ///< of the program
  epoch now;
  std::shared_ptr<const storage::store> store;
  coordinator_actor coordinator;
  log_sink_actor log_sink;
  artifact_store_actor artifacts;
  gateway door;
};

/// A handler for `server`. It must not be called any more once the actors' system is gone.
handler make_api(api_parts parts);

} // namespace drover::http
