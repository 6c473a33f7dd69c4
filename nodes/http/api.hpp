#pragma once
// The farm's HTTP API, version 1: which request is answered by whom. Every route: docs/API.md.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/store_room.hpp"
#include "actors/enroller.hpp"
#include "actors/outbox_types.hpp"
#include "nodes/http/caller.hpp"
#include "nodes/http/gateway.hpp"
#include "nodes/http/password_keeper.hpp"
#include "nodes/http/server.hpp"
#include "nodes/http/store_keeper.hpp"
#include "nodes/source_fetcher.hpp"
#include "storage/tables.hpp"

namespace drover::http {

/// A mistake in a configuration file; line 0: in the file as a whole.
struct config_mistake {
  std::string file;
  size_t line = 0;
  size_t column = 0;
  std::string message;
};
/// The configuration from the disk as `by` wants it in force, or all its mistakes.
struct config_reading {
  std::optional<reload_config> request; ///< there if, and only if, there are no mistakes
  std::vector<config_mistake> mistakes;
};
using config_reader = std::function<config_reading(const std::string& by)>;

/// How new machines join: where, and what proves the farm to them. Empty texts: nobody can.
struct enrolment_desk {
  enroller_actor enroller;
  std::string address;     ///< "farm.example.org:7777", as other machines reach it
  std::string fingerprint; ///< hex SHA-256 of the authority's public key
};

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
  recorder_actor recorder = {};
  analyst_actor analyst = {};
  source_fetcher_actor fetcher = {};
  result_cache_actor cache = {};
  store_keeper keeper = {};
  outbox_actor outbox = {};
  wall_clock clock = {};
  config_reader read_config = {};
  file_token owner = {}; ///< a token that is in no store
  password_keeper passwords = {};
  enrolment_desk enrolment = {};
  core::store_room_probe room = {};
};

/// A handler for `server`. It must not be called any more once the actors' system is gone.
handler make_api(api_parts parts);

} // namespace drover::http
