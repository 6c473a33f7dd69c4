// SPDX-License-Identifier: Apache-2.0
#include "actors/artifact_store.hpp"

#include "schema/limits.hpp"
#include "schema/limits_room.hpp"

#include <algorithm>

namespace drover {

namespace {

/// Drops the incoming blob that was touched longest ago, where there are too many.
template <class Map>
void make_room(Map& blobs) {
  if (blobs.size() < limits::blobs_incoming_max)
    return;
  auto oldest = std::min_element(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) {
    return a.second.last_used < b.second.last_used;
  });
  blobs.erase(oldest);
}

} // namespace

expected<uint64_t> artifact_store_state::take(const upload_piece& piece) {
  if (auto left = room ? room() : core::store_room{}; core::judge(left) != core::room_level::plenty)
    return failure{ec::unavailable, core::room_sentence(left)};
  auto known = uploads.find(piece.upload);
  if (known == uploads.end()) {
    if (piece.offset != 0)
      return failure{ec::conflict,
                     "the upload was dropped because too many others came; try again"};
    make_room(uploads);
    known = uploads.emplace(piece.upload, incoming{storage::blob_writer{*store}, 0}).first;
  }
  auto& writer = known->second.writer;
  known->second.last_used = ++uses;
  if (piece.offset != writer.size())
    return failure{ec::bad_input, "the upload's pieces are out of order"};
  if (writer.size() + piece.bytes.size() > limits::blob_bytes_max) {
    uploads.erase(known);
    return failure{ec::refused,
                   "the file is larger than " + std::to_string(limits::blob_bytes_max) + " bytes"};
  }
  if (auto problem = writer.append(piece.bytes)) {
    uploads.erase(known);
    return *problem;
  }
  return writer.size();
}

expected<stored_blob> artifact_store_state::finish(const upload_end& end) {
  auto known = uploads.find(end.upload);
  if (known == uploads.end()) { // an empty file has no pieces
    make_room(uploads);
    known = uploads.emplace(end.upload, incoming{storage::blob_writer{*store}, 0}).first;
  }
  auto size = known->second.writer.size();
  auto name_of_content = known->second.writer.finish(clock());
  uploads.erase(known);
  if (!name_of_content)
    return name_of_content.error();
  return stored_blob{*name_of_content, size};
}

blob_piece artifact_store_state::read(const blob_want& want) const {
  blob_piece piece{want.sha256, want.offset, 0, {}, {}};
  auto size = storage::blob_size(*store, want.sha256);
  if (!size || !*size) {
    piece.problem = size ? "the coordinator does not have this content" : size.error().text;
    return piece;
  }
  piece.total = **size;
  auto bytes = storage::read_blob(*store, want.sha256, want.offset, limits::blob_piece_bytes);
  if (bytes)
    piece.bytes = std::move(*bytes);
  else
    piece.problem = bytes.error().text;
  return piece;
}

blob_stored artifact_store_state::take(const host_name& host, const blob_part& part) {
  if (auto size = storage::touch_blob(*store, part.sha256, clock()); size && *size)
    return {part.sha256, **size, true, {}};
  if (part.total > limits::blob_bytes_max)
    return {part.sha256, 0, false, "it is larger than the farm stores"};
  host_upload key{host, part.sha256};
  auto known = from_hosts.find(key);
  if (known == from_hosts.end()) {
    make_room(from_hosts);
    known = from_hosts.emplace(key, incoming{storage::blob_writer{*store}, 0}).first;
  }
  auto& writer = known->second.writer;
  known->second.last_used = ++uses;
  if (part.offset != writer.size()) // a repeat or a gap: say where to go on
    return {part.sha256, writer.size(), false, {}};
  if (auto problem = writer.append(part.bytes)) {
    from_hosts.erase(known);
    return {part.sha256, 0, false, problem->text};
  }
  if (writer.size() < part.total)
    return {part.sha256, writer.size(), false, {}};
  return finish(key, part);
}

blob_stored artifact_store_state::finish(const host_upload& key, const blob_part& part) {
  auto known = from_hosts.find(key);
  auto size = known->second.writer.size();
  auto name_of_content = known->second.writer.finish(clock());
  from_hosts.erase(known);
  if (!name_of_content)
    return {part.sha256, 0, false, name_of_content.error().text};
  if (*name_of_content != part.sha256 || size != part.total)
    return {part.sha256, 0, false, "the content changed while it was sent"};
  return {part.sha256, size, true, {}};
}

actor_entry artifact_store_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  auto open = uploads.size() + from_hosts.size();
  entry.state = open == 0 ? "idle" : "takes " + std::to_string(open) + " blobs";
  entry.activity = std::to_string(uses) + (uses == 1 ? " piece taken" : " pieces taken");
  return entry;
}

artifact_store_actor::behavior_type artifact_store(artifact_store_state::pointer self,
                                                   const farm_settings& settings) {
  self->state.store = settings.store;
  self->state.clock = settings.clock;
  self->state.room = settings.room;
  return {
    [self](const upload_piece& piece) { return self->state.take(piece); },
    [self](const upload_end& end) { return self->state.finish(end); },
    [self](const upload_abort& gone) { self->state.uploads.erase(gone.upload); },
    [self](const blob_read& request) {
      self->send(request.origin, self->state.read(request.want));
    },
    [self](const blob_write& request) {
      auto left = self->state.room ? self->state.room() : core::store_room{};
      if (core::judge(left) != core::room_level::plenty) {
        blob_stored no{request.part.sha256, request.part.offset, false, {}};
        if (request.waits) // the host keeps it and says it again, but not at once
          return self->delayed_send(request.origin, limits::store_room_look, std::move(no));
        no.problem = core::room_sentence(left);
        return self->send(request.origin, std::move(no));
      }
      self->send(request.origin, self->state.take(request.host, request.part));
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
