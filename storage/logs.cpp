// The logs of attempts: chunks as they come, segments once there is enough of them.
//
// Chunks and segments have their own keys, both by offset. Sealing moves bytes from chunks to a
// segment in one batch, so whoever looks at chunks first and at segments second misses nothing,
// without a lock. Where both hold a byte it is the same byte.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "schema/record_codec.hpp"
#include "storage/keys.hpp"
#include "storage/segment.hpp"
#include "storage/tables.hpp"

#include <algorithm>
#include <limits>

namespace drover::storage {

namespace {

constexpr uint64_t highest_offset = std::numeric_limits<uint64_t>::max();

failure about(attempt_id attempt, uint64_t offset, const failure& why) {
  return {why.code,
          "log of " + to_string(attempt) + " at byte " + std::to_string(offset) + ": " + why.text};
}

/// A stored stretch of a log, still in its envelope.
struct piece {
  uint64_t start = 0;
  std::string value;
};

using position_key = std::string (*)(const keys::log_position&);
using position_reader = std::optional<keys::log_position> (*)(std::string_view);

/// One of the two tables that hold a log.
struct table {
  uint64_t (*first)(uint64_t offset); ///< where to look for a piece that reaches `offset`
  position_key key;
  position_reader read;
  expected<uint64_t> (*size)(std::string_view value);
  expected<std::string> (*bytes)(std::string_view value, uint64_t offset, size_t max);
};

expected<uint64_t> chunk_size(std::string_view value) {
  auto payload = record::unwrap(record::kind::log_chunk, value);
  if (!payload)
    return payload.error();
  return uint64_t{payload->size()};
}

expected<std::string> chunk_bytes(std::string_view value, uint64_t offset, size_t max) {
  auto payload = record::unwrap(record::kind::log_chunk, value);
  if (!payload)
    return payload.error();
  return std::string{payload->substr(std::min<uint64_t>(offset, payload->size()), max)};
}

/// Where to look for a chunk that reaches `offset`. Chunks before it are sealed and gone: a scan
/// from the attempt's start would walk over all that the store has not yet forgotten of them.
uint64_t first_reaching(uint64_t offset) {
  return offset - std::min<uint64_t>(offset, limits::log_chunk_bytes);
}

uint64_t first_segment(uint64_t) {
  return 0;
}

constexpr table chunks{first_reaching, keys::log_chunk, keys::read_log_chunk, chunk_size,
                       chunk_bytes};
constexpr table segments{first_segment, keys::log_segment, keys::read_log_segment, segment_size,
                         unpack_segment};

/// The last piece in `of` that starts in [first, last].
expected<std::optional<piece>> last_piece(const store& from, const table& of, attempt_id attempt,
                                          uint64_t first, uint64_t last) {
  std::optional<piece> found;
  auto visit = [&](std::string_view key, std::string_view value) {
    if (auto position = of.read(key))
      found = piece{position->offset, std::string{value}};
    return false;
  };
  auto problem = from.scan(family::log, of.key({attempt, first}),
                           keys::after(of.key({attempt, last})), scan_order::descending, visit);
  if (problem)
    return about(attempt, last, *problem);
  return found;
}

/// Where the last piece of `of` that starts at `first` or later ends; 0 if there is none.
expected<uint64_t> end_of(const store& from, const table& of, attempt_id attempt, uint64_t first) {
  auto last = last_piece(from, of, attempt, first, highest_offset);
  if (!last)
    return last.error();
  if (!*last)
    return uint64_t{0};
  auto size = of.size((*last)->value);
  if (!size)
    return about(attempt, (*last)->start, size.error());
  return (*last)->start + *size;
}

/// How far a log is sealed, and how far it goes.
struct extent {
  uint64_t sealed = 0;
  uint64_t total = 0;
};

expected<extent> extent_of(const store& from, attempt_id attempt) {
  std::optional<uint64_t> before;
  while (true) {
    auto sealed = end_of(from, segments, attempt, 0);
    if (!sealed)
      return sealed.error();
    // No chunks, and no segment that came while we looked for them: this is all.
    if (before == *sealed)
      return extent{*sealed, *sealed};
    auto unsealed = end_of(from, chunks, attempt, first_reaching(*sealed));
    if (!unsealed)
      return unsealed.error();
    if (*unsealed > 0)
      return extent{*sealed, std::max(*sealed, *unsealed)};
    before = *sealed;
  }
}

/// Bytes of `of` from `offset`, out of the one piece that holds it; empty if none does.
expected<std::string> bytes_at(const store& from, const table& of, const keys::log_position& at,
                               size_t max) {
  auto found = last_piece(from, of, at.attempt, of.first(at.offset), at.offset);
  if (!found)
    return found.error();
  if (!*found)
    return std::string{};
  auto bytes = of.bytes((*found)->value, at.offset - (*found)->start, max);
  if (!bytes)
    return about(at.attempt, (*found)->start, bytes.error());
  return bytes;
}

/// What one segment is made from: consecutive bytes and the keys of the chunks that held them.
struct harvest {
  std::string bytes;
  std::vector<std::string> keys;
  bool full = false; ///< the next chunk does not fit
  std::optional<failure> problem;
};

/// Takes the bytes that follow `sealed_end` from the chunks that start at `first` or later, one
/// segment's worth at most; there should be `size` of them.
harvest gather(const store& from, attempt_id attempt, uint64_t first, uint64_t sealed_end,
               size_t size) {
  harvest taken;
  taken.bytes.reserve(size);
  auto visit = [&](std::string_view key, std::string_view value) {
    auto position = keys::read_log_chunk(key);
    auto payload = record::unwrap(record::kind::log_chunk, value);
    if (!position || !payload) {
      taken.problem = position ? payload.error() : failure{ec::damaged, "a key is malformed"};
      return false;
    }
    auto wanted = sealed_end + taken.bytes.size();
    if (position->offset > wanted) {
      taken.problem = failure{ec::damaged, "bytes are missing before the next chunk at "
                                             + std::to_string(position->offset)};
      return false;
    }
    // What was put again is there already; a chunk may be so in part.
    auto known = std::min<uint64_t>(wanted - position->offset, payload->size());
    auto fresh = payload->substr(known);
    if (taken.bytes.size() + fresh.size() > limits::log_segment_bytes) {
      taken.full = true;
      return false;
    }
    taken.bytes += fresh;
    taken.keys.emplace_back(key);
    taken.full = taken.bytes.size() == limits::log_segment_bytes;
    return !taken.full;
  };
  auto problem = from.scan(family::log, keys::log_chunk({attempt, first}),
                           keys::after(keys::log_chunk({attempt, highest_offset})),
                           scan_order::ascending, visit);
  if (problem)
    taken.problem = problem;
  if (taken.problem)
    taken.problem = about(attempt, sealed_end + taken.bytes.size(), *taken.problem);
  return taken;
}

} // namespace

void put_log_chunk(write_batch& batch, attempt_id attempt, uint64_t offset,
                   std::string_view bytes) {
  while (!bytes.empty()) {
    auto part = bytes.substr(0, limits::log_chunk_bytes);
    batch.add(family::log, keys::log_chunk({attempt, offset}),
              record::wrap(record::kind::log_chunk, part));
    offset += part.size();
    bytes.remove_prefix(part.size());
  }
}

expected<uint64_t> log_size(const store& from, attempt_id attempt) {
  auto extent = extent_of(from, attempt);
  if (!extent)
    return extent.error();
  return extent->total;
}

expected<std::string> read_log(const store& from, attempt_id attempt, uint64_t offset, size_t max) {
  std::string read;
  while (read.size() < max) {
    keys::log_position at{attempt, offset + read.size()};
    auto bytes = bytes_at(from, chunks, at, max - read.size());
    if (bytes && bytes->empty())
      bytes = bytes_at(from, segments, at, max - read.size());
    if (!bytes)
      return bytes.error();
    if (bytes->empty())
      break;
    read += *bytes;
  }
  return read;
}

expected<write_batch> seal_log(const store& from, attempt_id attempt, remainder rest) {
  write_batch batch;
  auto extent = extent_of(from, attempt);
  if (!extent)
    return extent.error();
  if (rest == remainder::leave && extent->total - extent->sealed < limits::log_segment_bytes)
    return batch;
  // At the end, chunks that were put again after they were sealed are swept up too.
  auto first = rest == remainder::seal ? 0 : first_reaching(extent->sealed);
  auto size = std::min<uint64_t>(extent->total - extent->sealed, limits::log_segment_bytes);
  auto taken = gather(from, attempt, first, extent->sealed, static_cast<size_t>(size));
  if (taken.problem)
    return *taken.problem;
  if (!taken.bytes.empty()) {
    auto segment = pack_segment(taken.bytes);
    if (!segment)
      return segment.error();
    batch.add(family::log, keys::log_segment({attempt, extent->sealed}), *std::move(segment));
  }
  for (auto& key : taken.keys)
    batch.remove(family::log, std::move(key));
  return batch;
}

} // namespace drover::storage
