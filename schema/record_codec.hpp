#pragma once
// Stored values: plain values to checksummed bytes and back (schema/record.capnp).
//
// Every value is an envelope of eight bytes (kind, version, CRC-32C) and a payload. Decoding
// answers `ec::damaged` for anything that is not exactly what was encoded; it never answers a wrong
// value. The caller says which key it was. All functions are pure and may be called from any
// thread.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"
#include "schema/test_case.hpp"

#include <string_view>

namespace drover::record {

/// What an envelope holds. Numbers are stored: never reuse one.
enum class kind : uint8_t {
  store_version = 1,
  epoch = 2,
  commit_mark = 3,
  build = 4,
  step = 5,
  recipe = 6,
  campaign = 7,
  host = 8,
  log_chunk = 9,
  log_segment = 10,
  blob_manifest = 11,
  event = 12,
  config = 13,
  token = 14,
  change = 15,
  source_status = 16,
  test_report = 17,
  user = 18,
  session = 19,
  notice = 20,
  cache_entry = 21,
  incident = 22,
  outbox_mark = 23,
  host_identity = 30,
  log_chunk_place = 31, ///< storage/chunk_files.hpp
};

inline constexpr size_t envelope_bytes = 8;

/// `payload` with its envelope.
std::string wrap(kind what, std::string_view payload);
/// The payload inside `value`, which must outlive it.
expected<std::string_view> unwrap(kind what, std::string_view value);

/// The number of the layout of keys and values.
struct store_version {
  uint32_t version = 0;
  friend bool operator==(const store_version&, const store_version&) = default;
};

/// How many synced commits the store has seen.
struct commit_mark {
  uint64_t sequence = 0;
  friend bool operator==(const commit_mark&, const commit_mark&) = default;
};

/// A blob's pieces by their 32-byte SHA-256 digests, in order.
struct manifest {
  uint64_t size = 0;
  std::vector<std::string> pieces;
  wall_time stored_at = {}; ///< when it was stored last, roughly; 0: long ago
  friend bool operator==(const manifest&, const manifest&) = default;
};

/// A stretch of a log, compressed in frames.
struct log_segment {
  uint64_t size = 0;                 ///< uncompressed
  uint32_t lines = 0;                ///< line ends within it
  std::vector<uint32_t> line_starts; ///< of every limits::log_line_index_every-th line
  uint32_t frame_bytes = 0;          ///< uncompressed, of each frame but the last
  std::vector<std::string> frames;
  friend bool operator==(const log_segment&, const log_segment&) = default;
};

std::string encode(const store_version& value);
std::string encode(const commit_mark& value);
std::string encode(const epoch& value);
std::string encode(const build_record& value);
std::string encode(const step_record& value);
std::string encode(const builder_spec& value);
std::string encode(const campaign_record& value);
std::string encode(const host_record& value);
std::string encode(const event_record& value);
std::string encode(const config_record& value);
std::string encode(const token_record& value);
std::string encode(const change_record& value);
std::string encode(const source_status& value);
std::string encode(const test_report& value);
std::string encode(const user_record& value);
std::string encode(const session_record& value);
std::string encode(const notice_record& value);
std::string encode(const cache_record& value);
std::string encode(const manifest& value);
std::string encode(const log_segment& value);

expected<store_version> decode_store_version(std::string_view bytes);
expected<commit_mark> decode_commit_mark(std::string_view bytes);
expected<epoch> decode_epoch(std::string_view bytes);
expected<build_record> decode_build(std::string_view bytes);
expected<step_record> decode_step(std::string_view bytes);
expected<builder_spec> decode_recipe(std::string_view bytes);
expected<campaign_record> decode_campaign(std::string_view bytes);
expected<host_record> decode_host(std::string_view bytes);
expected<event_record> decode_event(std::string_view bytes);
expected<config_record> decode_config(std::string_view bytes);
expected<token_record> decode_token(std::string_view bytes);
expected<change_record> decode_change(std::string_view bytes);
expected<source_status> decode_source_status(std::string_view bytes);
expected<test_report> decode_test_report(std::string_view bytes);
expected<user_record> decode_user(std::string_view bytes);
expected<session_record> decode_session(std::string_view bytes);
expected<notice_record> decode_notice(std::string_view bytes);
expected<cache_record> decode_cache_entry(std::string_view bytes);
expected<manifest> decode_manifest(std::string_view bytes);
expected<log_segment> decode_log_segment(std::string_view bytes);

} // namespace drover::record
