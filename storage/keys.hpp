#pragma once
// The only implementation of storage/KEYS.md: how keys are made and read back.
//
// A key is a tag byte and fields of fixed width, big-endian, so that keys sort as their fields do
// and no key is a prefix of another. Tags are never reused.
// SPDX-License-Identifier: Apache-2.0

#include "schema/ids.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace drover::storage::keys {

/// What a key names. Numbers are stored: never reuse one.
enum class tag : uint8_t {
  store_version = 0x01,
  epoch = 0x02,
  commit_mark = 0x03,
  build = 0x10,
  step = 0x11,
  recipe = 0x12,
  active_build = 0x18,
  campaign = 0x1c,
  host = 0x20,
  log_chunk = 0x30,
  log_segment = 0x31,
  test_report = 0x34,
  blob_piece = 0x40,
  blob_manifest = 0x41,
  event = 0x50,
  config = 0x58,
  token = 0x5c,
  change = 0x60,
  change_identity = 0x61,
  source_status = 0x64,
  user = 0x70,
  session = 0x72,
  notice = 0x74,
  notice_waiting = 0x75,
  outbox_mark = 0x76,
  incident = 0x77,
  build_facts = 0x7a,
  host_identity = 0x7b,
  cache_entry = 0x78,
  cache_step = 0x79,
};

/// A stretch of an attempt's log, named by where it starts.
struct log_position {
  attempt_id attempt;
  uint64_t offset = 0;
  friend auto operator<=>(const log_position&, const log_position&) = default;
};

struct step_key {
  build_id build;
  step_index step;
  friend auto operator<=>(const step_key&, const step_key&) = default;
};

/// The step of a builder, by name.
struct cache_step_key {
  std::string builder;
  std::string step;
  friend auto operator<=>(const cache_step_key&, const cache_step_key&) = default;
};

/// The raw bytes of a SHA-256.
inline constexpr size_t digest_bytes = 32;

std::string store_version();
std::string epoch();
std::string commit_mark();
std::string build(build_id id);
std::string step(step_key id);
std::string recipe(build_id id);
std::string active_build(build_id id);
std::string campaign(campaign_id id);
std::string event(uint64_t sequence);
std::string config(uint64_t generation);
/// `digest` is the SHA-256 of the token and must have `digest_bytes` bytes.
std::string token(std::string_view digest);
/// `name` must be a valid name: above all, it holds no NUL.
std::string user(std::string_view name);
/// `digest` is the SHA-256 of the session's cookie and must have `digest_bytes` bytes.
std::string session(std::string_view digest);
std::string test_report(step_key id);
std::string build_facts(build_id build, uint32_t placement);
std::string change(change_id id);
/// Of what `identity` of a source names; `source` is a valid name, `identity` holds no NUL.
std::string change_identity(std::string_view source, std::string_view identity);
std::string source_status(std::string_view source);
std::string notice(uint64_t id);
/// `reporter` is a valid name.
std::string notice_waiting(std::string_view reporter, uint64_t id);
std::string outbox_mark();
/// `builder` is a valid name or empty; `place` holds no NUL.
std::string incident(std::string_view builder, std::string_view place);
/// `digest` is the entry's key and must have `digest_bytes` bytes; the names hold no NUL.
std::string cache_entry(std::string_view digest);
std::string cache_step(const cache_step_key& step, std::string_view digest);
/// `name` must be a valid name (schema/names.hpp): above all, it holds no NUL.
std::string host(const host_name& name);
/// As `host`.
std::string host_identity(const host_name& name);
std::string log_chunk(const log_position& at);
std::string log_segment(const log_position& at);
/// `digest` must have `digest_bytes` bytes.
std::string blob_piece(std::string_view digest);
std::string blob_manifest(std::string_view digest);

/// The first key after all keys of `kind`: the end of a scan.
std::string end_of(tag kind);
/// The smallest key greater than `key`: the exclusive end of a scan that includes `key`.
std::string after(std::string key);

// Nothing for bytes that the function of the same name does not make.
std::optional<build_id> read_build(std::string_view key);
std::optional<step_key> read_step(std::string_view key);
std::optional<build_id> read_recipe(std::string_view key);
std::optional<build_id> read_active_build(std::string_view key);
std::optional<campaign_id> read_campaign(std::string_view key);
std::optional<uint64_t> read_event(std::string_view key);
std::optional<uint64_t> read_config(std::string_view key);
std::optional<std::string> read_token(std::string_view key);
std::optional<std::string> read_user(std::string_view key);
std::optional<std::string> read_session(std::string_view key);
std::optional<std::string> read_cache_entry(std::string_view key);
std::optional<step_key> read_test_report(std::string_view key);
/// The build and the placement.
std::optional<std::pair<build_id, uint32_t>> read_build_facts(std::string_view key);
std::optional<change_id> read_change(std::string_view key);
std::optional<uint64_t> read_notice(std::string_view key);
/// The notice's id.
std::optional<uint64_t> read_notice_waiting(std::string_view key);
std::optional<host_name> read_host(std::string_view key);
std::optional<host_name> read_host_identity(std::string_view key);
std::optional<log_position> read_log_chunk(std::string_view key);
std::optional<log_position> read_log_segment(std::string_view key);
std::optional<std::string> read_blob_piece(std::string_view key);
std::optional<std::string> read_blob_manifest(std::string_view key);

} // namespace drover::storage::keys
