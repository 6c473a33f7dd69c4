// Verification: every value through its codec, all content by its digests.
// SPDX-License-Identifier: Apache-2.0
#include "schema/incident_codec.hpp"
#include "schema/names.hpp"
#include "schema/record_codec.hpp"
#include "storage/hex.hpp"
#include "storage/scan_pages.hpp"
#include "storage/segment.hpp"
#include "storage/tables.hpp"

#include <limits>

namespace drover::storage {

namespace {

struct verifier {
  const store& in;
  const keep_going& go;
  verify_report report = {};

  void damaged(std::string what, std::string why) {
    ++report.damages;
    if (report.damaged.size() < limits::damages_told_max)
      report.damaged.push_back({std::move(what), std::move(why)});
  }
  /// Whether a problem of a scan ends the work: what can't be read is damage.
  std::optional<failure> scanned(const std::string& what, const std::optional<failure>& problem) {
    if (problem && problem->code == ec::unavailable)
      return problem;
    if (problem)
      damaged(what, "can't be read to its end: " + problem->text);
    return std::nullopt;
  }
  template <class Value>
  std::optional<Value> decoded(const std::string& what, expected<Value> value) {
    if (value)
      return *std::move(value);
    damaged(what, value.error().text);
    return std::nullopt;
  }
  void is_key(const std::string& what, bool fits) {
    if (!fits)
      damaged(what, "its record names another one");
  }

  void look_at_record(std::string_view key, std::string_view value);
  void look_at_build(build_id id, std::string_view value);
  void look_at_content_of(const std::string& what, const std::string& sha256);
  void look_at_own(keys::tag kind, std::string_view value);
  void look_at_more(keys::tag kind, std::string_view key, std::string_view value);
  void look_at_active(std::string_view key);
  void look_at_log(std::string_view key, std::string_view value);
  void look_at_blob(std::string_view key);
  std::optional<failure> records();
  std::optional<failure> logs();
  std::optional<failure> content();
};

/// What the record of a build must have beside it.
void verifier::look_at_build(build_id id, std::string_view value) {
  auto what = "build " + to_string(id);
  auto build = decoded(what, record::decode_build(value));
  if (!build)
    return;
  is_key(what, build->id == id);
  auto recipe = in.get(family::history, keys::recipe(id));
  if (recipe && !*recipe)
    damaged(what, "its recipe is missing");
  auto active = in.get(family::active, keys::active_build(id));
  bool over = build->state == build_state::finished;
  // Between reading the record and this a build may have ended: only the reverse can't be.
  if (active && *active && over)
    damaged(what, "it is finished and yet among the active ones");
  look_at_content_of(what + ", source", build->source.kind == source_kind::tarball
                                          ? build->source.sha256
                                          : std::string{});
  for (const auto& artifact : build->artifacts)
    look_at_content_of(what + ", artifact '" + printable(artifact.path, 200) + "'",
                       artifact.sha256);
}

void verifier::look_at_content_of(const std::string& what, const std::string& sha256) {
  auto digest = from_hex(sha256);
  if (!digest)
    return;
  auto stored = in.get(family::content, keys::blob_manifest(*digest));
  if (stored && !*stored)
    damaged(what, "its content " + sha256 + " is not stored");
}

/// The store's own records.
void verifier::look_at_own(keys::tag kind, std::string_view value) {
  if (kind == keys::tag::store_version)
    decoded("the store's version", record::decode_store_version(value));
  else if (kind == keys::tag::epoch)
    decoded("the epoch", record::decode_epoch(value));
  else
    decoded("the commit mark", record::decode_commit_mark(value));
}

void verifier::look_at_record(std::string_view key, std::string_view value) {
  ++report.records;
  report.bytes += value.size();
  auto kind = static_cast<keys::tag>(key.empty() ? 0 : static_cast<uint8_t>(key[0]));
  if (kind <= keys::tag::commit_mark) {
    look_at_own(kind, value);
  } else if (auto build = keys::read_build(key)) {
    look_at_build(*build, value);
  } else if (auto step = keys::read_step(key)) {
    auto what = "build " + to_string(step->build) + ", step " + std::to_string(step->step.value);
    if (auto found = decoded(what, record::decode_step(value)))
      is_key(what, found->index == step->step);
  } else if (auto recipe = keys::read_recipe(key)) {
    decoded("build " + to_string(*recipe) + ", recipe", record::decode_recipe(value));
  } else {
    look_at_more(kind, key, value);
  }
}

void verifier::look_at_more(keys::tag kind, std::string_view key, std::string_view value) {
  if (auto campaign = keys::read_campaign(key)) {
    auto what = "campaign " + to_string(*campaign);
    if (auto found = decoded(what, record::decode_campaign(value)))
      is_key(what, found->id == *campaign);
  } else if (auto host = keys::read_host(key)) {
    auto what = "host " + printable(host->value, limits::name_bytes_max);
    if (auto found = decoded(what, record::decode_host(value)))
      is_key(what, found->name == *host);
  } else if (auto event = keys::read_event(key)) {
    auto what = "event " + std::to_string(*event);
    if (auto found = decoded(what, record::decode_event(value)))
      is_key(what, found->sequence == *event);
  } else if (auto config = keys::read_config(key)) {
    auto what = "configuration " + std::to_string(*config);
    if (auto found = decoded(what, record::decode_config(value)))
      is_key(what, found->generation == *config);
  } else if (auto notice = keys::read_notice(key)) {
    auto what = "notice " + std::to_string(*notice);
    if (auto found = decoded(what, record::decode_notice(value)))
      is_key(what, found->id == *notice);
  } else if (kind == keys::tag::outbox_mark) {
    decoded("the outbox's mark", record::decode_outbox_mark(value));
  } else if (kind == keys::tag::incident) {
    if (auto found = decoded("an incident", record::decode_incident(value)))
      is_key("an incident", keys::incident(found->builder, found->place) == key);
  } else if (auto token = keys::read_token(key)) {
    auto what = "token " + to_hex(*token).substr(0, 8);
    if (auto found = decoded(what, record::decode_token(value)))
      is_key(what, found->sha256 == to_hex(*token));
  } else if (auto tests = keys::read_test_report(key)) {
    decoded("build " + to_string(tests->build) + ", step " + std::to_string(tests->step.value)
              + ", test report",
            record::decode_test_report(value));
  } else if (auto change = keys::read_change(key)) {
    auto what = "change " + std::to_string(change->value);
    if (auto found = decoded(what, record::decode_change(value)))
      is_key(what, found->id == *change);
  } else if (kind == keys::tag::source_status) {
    decoded("the state of a source", record::decode_source_status(value));
  } else if (kind != keys::tag::change_identity && kind != keys::tag::notice_waiting) { // raw
    damaged("a key of kind " + std::to_string(static_cast<unsigned>(kind)),
            "no table of this version has such a key: " + to_hex(key.substr(0, 64)));
  }
}

void verifier::look_at_active(std::string_view key) {
  ++report.records;
  auto id = keys::read_active_build(key);
  if (!id) {
    damaged("the active builds", "a key is malformed: " + to_hex(key.substr(0, 64)));
    return;
  }
  auto build = in.get(family::history, keys::build(*id));
  if (build && !*build)
    damaged("build " + to_string(*id), "it is active but has no record");
}

void verifier::look_at_log(std::string_view key, std::string_view value) {
  report.bytes += value.size();
  auto chunk = keys::read_log_chunk(key);
  auto segment = keys::read_log_segment(key);
  if (!chunk && !segment) {
    damaged("the logs", "a key is malformed: " + to_hex(key.substr(0, 64)));
    return;
  }
  const auto& at = chunk ? *chunk : *segment;
  auto what = "log of " + to_string(at.attempt) + " at byte " + std::to_string(at.offset);
  if (chunk) {
    ++report.records;
    decoded(what, record::unwrap(record::kind::log_chunk, value));
    return;
  }
  ++report.log_segments;
  auto size = decoded(what, segment_size(value));
  if (!size)
    return;
  auto bytes = decoded(what, unpack_segment(value, 0, std::numeric_limits<size_t>::max()));
  if (bytes && bytes->size() != *size)
    damaged(what, "it holds " + std::to_string(bytes->size()) + " bytes instead of "
                    + std::to_string(*size));
}

/// One blob from its first piece to its last, and the whole.
void verifier::look_at_blob(std::string_view key) {
  auto digest = keys::read_blob_manifest(key);
  if (!digest) {
    damaged("the blobs", "a key is malformed: " + to_hex(key.substr(0, 64)));
    return;
  }
  ++report.blobs;
  auto name = to_hex(*digest);
  auto bytes = check_blob(in, name, go);
  if (bytes)
    report.bytes += *bytes;
  else if (bytes.error().code != ec::unavailable && bytes.error().code != ec::not_found)
    damaged("blob " + name, bytes.error().text); // not found: it was removed meanwhile
}

std::optional<failure> verifier::records() {
  auto problem = scan_pages(in, {family::history, {}, "\xff"}, go,
                            [&](auto key, auto value) { look_at_record(key, value); });
  if (auto ends = scanned("the records", problem))
    return ends;
  problem = scan_pages(in, all_of(family::active, keys::tag::active_build), go,
                       [&](auto key, auto) { look_at_active(key); });
  return scanned("the active builds", problem);
}

std::optional<failure> verifier::logs() {
  for (auto kind : {keys::tag::log_chunk, keys::tag::log_segment}) {
    auto problem = scan_pages(in, all_of(family::log, kind), go,
                              [&](auto key, auto value) { look_at_log(key, value); });
    if (auto ends = scanned("the logs", problem))
      return ends;
  }
  return std::nullopt;
}

/// The names first: content is read without an iterator that would hold back what is removed.
std::optional<failure> verifier::content() {
  std::vector<std::string> blobs;
  auto problem = scan_pages(in, all_of(family::content, keys::tag::blob_manifest), go,
                            [&](auto key, auto) { blobs.emplace_back(key); });
  if (auto ends = scanned("the blobs", problem))
    return ends;
  for (const auto& key : blobs) {
    look_at_blob(key);
    if (!go())
      return failure{ec::unavailable, "the farm is stopping; the store was not read to its end"};
  }
  return std::nullopt;
}

} // namespace

expected<verify_report> verify(const store& in, const keep_going& go) {
  verifier work{in, go};
  if (auto ends = work.records())
    return *ends;
  if (auto ends = work.logs())
    return *ends;
  if (auto ends = work.content())
    return *ends;
  return std::move(work.report);
}

} // namespace drover::storage
