#pragma once
// Keeps sources and artifacts by content: uploads in, pieces out.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "storage/tables.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

/// Reads and writes content in the store, which blocks: real programs give it its own thread.
struct artifact_store_state {
  using pointer = artifact_store_actor::stateful_pointer<artifact_store_state>;
  static inline const char* name = "artifact_store";
  explicit artifact_store_state(pointer actor) : self{actor} {}

  /// A blob on its way in, from a person or from a host.
  struct incoming {
    storage::blob_writer writer;
    uint64_t last_used = 0; ///< for dropping the least recently used one
  };
  using host_upload = std::pair<host_name, std::string>;

  expected<uint64_t> take(const upload_piece& piece);
  expected<stored_blob> finish(const upload_end& end);
  blob_piece read(const blob_want& want) const;
  blob_stored take(const host_name& host, const blob_part& part);
  blob_stored finish(const host_upload& key, const blob_part& part);
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  core::store_room_probe room;
  wall_clock clock;
  std::map<uint64_t, incoming> uploads;
  std::map<host_upload, incoming> from_hosts;
  uint64_t uses = 0;
};

artifact_store_actor::behavior_type artifact_store(artifact_store_state::pointer self,
                                                   const farm_settings& settings);

} // namespace drover
