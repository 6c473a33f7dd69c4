// Changes, sources and test reports.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"
#include "storage/read_records.hpp"
#include "storage/tables.hpp"

namespace drover::storage {

namespace {

constexpr size_t id_bytes = 8;

std::string raw(change_id id) {
  std::string bytes;
  for (size_t at = id_bytes; at-- > 0;)
    bytes.push_back(static_cast<char>(id.value >> (8 * at)));
  return bytes;
}

} // namespace

void put_change(write_batch& batch, const change_record& change) {
  batch.add(family::history, keys::change(change.id), record::encode(change));
  batch.add(family::history, keys::change_identity(change.source, change.identity), raw(change.id));
}

expected<std::optional<change_record>> read_change(const store& from, change_id change) {
  return read_record(from, keys::change(change), record::decode_change,
                     "change " + std::to_string(change.value));
}

expected<std::optional<change_id>> find_change(const store& from, std::string_view source,
                                               std::string_view identity) {
  auto bytes = from.get(family::history, keys::change_identity(source, identity));
  if (!bytes)
    return about("change", bytes.error());
  if (!*bytes)
    return std::optional<change_id>{};
  if ((*bytes)->size() != id_bytes)
    return failure{ec::damaged, "change: an entry by identity is malformed; run admin verify"};
  change_id id;
  for (char byte : **bytes)
    id.value = id.value << 8 | static_cast<uint8_t>(byte);
  return std::optional{id};
}

expected<std::vector<change_record>> list_changes(const store& from, change_id before, size_t rows,
                                                  const std::string& source) {
  change_id end{before.value == 0 ? highest_id : before.value};
  key_range newest_first{keys::change({0}), keys::change(end), scan_order::descending, rows};
  auto changes =
    read_range(from, newest_first, record::decode_change, [&](const change_record& change) {
      return source.empty() || change.source == source;
    });
  if (!changes)
    return about("changes", changes.error());
  return changes;
}

expected<change_id> last_change(const store& from) {
  return last_id(from, keys::tag::change, keys::change({0}), keys::read_change);
}

void put_source_status(write_batch& batch, const source_status& status) {
  batch.add(family::history, keys::source_status(status.name), record::encode(status));
}

expected<source_status> read_source_status(const store& from, const std::string& source) {
  auto found = read_record(from, keys::source_status(source), record::decode_source_status,
                           "source " + source);
  if (!found)
    return found.error();
  source_status unknown;
  unknown.name = source;
  return found->value_or(unknown);
}

void put_test_report(write_batch& batch, build_id build, step_index step,
                     const test_report& report) {
  batch.add(family::history, keys::test_report({build, step}), record::encode(report));
}

expected<std::optional<test_report>> read_test_report(const store& from, build_id build,
                                                      step_index step) {
  return read_record(from, keys::test_report({build, step}), record::decode_test_report,
                     named(build) + ", test report");
}

} // namespace drover::storage
