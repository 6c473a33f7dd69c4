// SPDX-License-Identifier: Apache-2.0
#include "storage/keys.hpp"

#include <cassert>

namespace drover::storage::keys {

namespace {

constexpr char name_end = '\0'; // sorts below all that a name may hold: "h1" stands before "h10"

/// Makes a key field by field.
class writer {
public:
  explicit writer(tag kind) { key_.push_back(static_cast<char>(kind)); }
  writer&& u64(uint64_t value) && { return std::move(*this).number(value, 8); }
  writer&& u32(uint32_t value) && { return std::move(*this).number(value, 4); }
  writer&& bytes(std::string_view value) && {
    key_ += value;
    return std::move(*this);
  }
  std::string key() && { return std::move(key_); }

private:
  writer&& number(uint64_t value, int width) && {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
      key_.push_back(static_cast<char>(value >> shift));
    return std::move(*this);
  }
  std::string key_;
};

/// Reads a key field by field; `done` says whether it was one of that kind and length.
class reader {
public:
  reader(std::string_view key, tag kind) : rest_{key} {
    ok_ = !rest_.empty() && rest_[0] == static_cast<char>(kind);
    take(1);
  }
  uint64_t u64() { return number(8); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  std::string_view bytes(size_t width) { return take(width); }
  std::string_view rest() { return take(rest_.size()); }
  bool done() const { return ok_ && rest_.empty(); }

private:
  std::string_view take(size_t width) {
    ok_ = ok_ && rest_.size() >= width;
    if (!ok_)
      return {};
    auto taken = rest_.substr(0, width);
    rest_.remove_prefix(width);
    return taken;
  }
  uint64_t number(size_t width) {
    uint64_t value = 0;
    for (char byte : take(width))
      value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }
  std::string_view rest_;
  bool ok_ = false;
};

std::string numbered(tag kind, uint64_t id) {
  return writer{kind}.u64(id).key();
}

std::optional<uint64_t> read_number(tag kind, std::string_view key) {
  reader from{key, kind};
  auto number = from.u64();
  return from.done() ? std::optional{number} : std::nullopt;
}

std::optional<std::string> read_named(tag kind, std::string_view key) {
  reader from{key, kind};
  auto name = from.rest();
  if (!from.done() || name.size() < 2 || name.find(name_end) != name.size() - 1)
    return std::nullopt;
  name.remove_suffix(1);
  return std::string{name};
}

template <class Id>
std::optional<Id> read_numbered(tag kind, std::string_view key) {
  auto number = read_number(kind, key);
  return number ? std::optional{Id{*number}} : std::nullopt;
}

std::optional<step_key> read_step_key(tag kind, std::string_view key) {
  reader from{key, kind};
  step_key id;
  id.build.value = from.u64();
  id.step.value = from.u32();
  return from.done() ? std::optional{id} : std::nullopt;
}

std::string positioned(tag kind, const log_position& at) {
  auto [build, step, attempt] = at.attempt;
  return writer{kind}.u64(build.value).u32(step.value).u32(attempt.value).u64(at.offset).key();
}

std::optional<log_position> read_positioned(tag kind, std::string_view key) {
  reader from{key, kind};
  log_position at;
  at.attempt.build.value = from.u64();
  at.attempt.step.value = from.u32();
  at.attempt.attempt.value = from.u32();
  at.offset = from.u64();
  return from.done() ? std::optional{at} : std::nullopt;
}

/// A name ends with a byte that no name can hold.
std::string named(tag kind, std::string_view name) {
  assert(name.find(name_end) == std::string_view::npos);
  return writer{kind}.bytes(name).bytes({&name_end, 1}).key();
}

std::string digested(tag kind, std::string_view digest) {
  assert(digest.size() == digest_bytes);
  return writer{kind}.bytes(digest).key();
}

std::optional<std::string> read_digested(tag kind, std::string_view key) {
  reader from{key, kind};
  std::string digest{from.bytes(digest_bytes)};
  return from.done() ? std::optional{digest} : std::nullopt;
}

std::optional<host_name> read_host_name(tag kind, std::string_view key) {
  auto name = read_named(kind, key);
  return name ? std::optional{host_name{*std::move(name)}} : std::nullopt;
}

} // namespace

std::string store_version() {
  return writer{tag::store_version}.key();
}
std::string epoch() {
  return writer{tag::epoch}.key();
}
std::string commit_mark() {
  return writer{tag::commit_mark}.key();
}
std::string build(build_id id) {
  return numbered(tag::build, id.value);
}
std::string recipe(build_id id) {
  return numbered(tag::recipe, id.value);
}
std::string active_build(build_id id) {
  return numbered(tag::active_build, id.value);
}
std::string campaign(campaign_id id) {
  return numbered(tag::campaign, id.value);
}
std::string event(uint64_t sequence) {
  return numbered(tag::event, sequence);
}
std::string config(uint64_t generation) {
  return numbered(tag::config, generation);
}
std::string token(std::string_view digest) {
  return digested(tag::token, digest);
}
std::string user(std::string_view name) {
  return writer{tag::user}.bytes(name).bytes({&name_end, 1}).key();
}
std::string session(std::string_view digest) {
  return digested(tag::session, digest);
}
std::string log_chunk(const log_position& at) {
  return positioned(tag::log_chunk, at);
}
std::string log_segment(const log_position& at) {
  return positioned(tag::log_segment, at);
}
std::string blob_piece(std::string_view digest) {
  return digested(tag::blob_piece, digest);
}
std::string blob_manifest(std::string_view digest) {
  return digested(tag::blob_manifest, digest);
}

std::string step(step_key id) {
  return writer{tag::step}.u64(id.build.value).u32(id.step.value).key();
}

std::string host(const host_name& name) {
  return named(tag::host, name.value);
}
std::string host_identity(const host_name& name) {
  return named(tag::host_identity, name.value);
}

std::string test_report(step_key id) {
  return writer{tag::test_report}.u64(id.build.value).u32(id.step.value).key();
}

std::string change(change_id id) {
  return numbered(tag::change, id.value);
}

std::string change_identity(std::string_view source, std::string_view identity) {
  assert(identity.find(name_end) == std::string_view::npos);
  return named(tag::change_identity, source) + std::string{identity} + name_end;
}

std::string source_status(std::string_view source) {
  return named(tag::source_status, source);
}

std::string notice(uint64_t id) {
  return numbered(tag::notice, id);
}

std::string notice_waiting(std::string_view reporter, uint64_t id) {
  assert(reporter.find(name_end) == std::string_view::npos);
  return writer{tag::notice_waiting}.bytes(reporter).bytes({&name_end, 1}).u64(id).key();
}

std::string outbox_mark() {
  return writer{tag::outbox_mark}.key();
}

std::string incident(std::string_view builder, std::string_view place) {
  assert(place.find(name_end) == std::string_view::npos);
  return named(tag::incident, builder) + std::string{place} + name_end;
}

std::string cache_entry(std::string_view digest) {
  return digested(tag::cache_entry, digest);
}

std::string cache_step(const cache_step_key& step, std::string_view digest) {
  assert(step.step.find(name_end) == std::string_view::npos && digest.size() == digest_bytes);
  return named(tag::cache_step, step.builder) + step.step + name_end + std::string{digest};
}

std::string end_of(tag kind) {
  return {static_cast<char>(static_cast<uint8_t>(kind) + 1)};
}

std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

std::optional<build_id> read_build(std::string_view key) {
  return read_numbered<build_id>(tag::build, key);
}

std::optional<step_key> read_step(std::string_view key) {
  return read_step_key(tag::step, key);
}

std::optional<step_key> read_test_report(std::string_view key) {
  return read_step_key(tag::test_report, key);
}

std::string build_facts(build_id build, uint32_t placement) {
  return writer{tag::build_facts}.u64(build.value).u32(placement).key();
}

std::optional<std::pair<build_id, uint32_t>> read_build_facts(std::string_view key) {
  auto found = read_step_key(tag::build_facts, key);
  return found ? std::optional{std::pair{found->build, found->step.value}} : std::nullopt;
}

std::optional<change_id> read_change(std::string_view key) {
  return read_numbered<change_id>(tag::change, key);
}

std::optional<uint64_t> read_notice(std::string_view key) {
  return read_number(tag::notice, key);
}

std::optional<uint64_t> read_notice_waiting(std::string_view key) {
  reader from{key, tag::notice_waiting};
  auto name = key.find(name_end);
  from.bytes(name == std::string_view::npos ? key.size() : name);
  auto id = from.u64();
  return from.done() ? std::optional{id} : std::nullopt;
}

std::optional<build_id> read_recipe(std::string_view key) {
  return read_numbered<build_id>(tag::recipe, key);
}

std::optional<build_id> read_active_build(std::string_view key) {
  return read_numbered<build_id>(tag::active_build, key);
}

std::optional<campaign_id> read_campaign(std::string_view key) {
  return read_numbered<campaign_id>(tag::campaign, key);
}

std::optional<uint64_t> read_event(std::string_view key) {
  return read_number(tag::event, key);
}

std::optional<uint64_t> read_config(std::string_view key) {
  return read_number(tag::config, key);
}

std::optional<std::string> read_token(std::string_view key) {
  return read_digested(tag::token, key);
}

std::optional<std::string> read_user(std::string_view key) {
  return read_named(tag::user, key);
}

std::optional<std::string> read_session(std::string_view key) {
  return read_digested(tag::session, key);
}

std::optional<std::string> read_cache_entry(std::string_view key) {
  return read_digested(tag::cache_entry, key);
}

std::optional<host_name> read_host(std::string_view key) {
  return read_host_name(tag::host, key);
}

std::optional<host_name> read_host_identity(std::string_view key) {
  return read_host_name(tag::host_identity, key);
}

std::optional<log_position> read_log_chunk(std::string_view key) {
  return read_positioned(tag::log_chunk, key);
}

std::optional<log_position> read_log_segment(std::string_view key) {
  return read_positioned(tag::log_segment, key);
}

std::optional<std::string> read_blob_piece(std::string_view key) {
  return read_digested(tag::blob_piece, key);
}

std::optional<std::string> read_blob_manifest(std::string_view key) {
  return read_digested(tag::blob_manifest, key);
}

} // namespace drover::storage::keys
