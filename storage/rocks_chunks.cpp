// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks_chunks.hpp"

#include "schema/limits_log.hpp"
#include "storage/keys.hpp"

#include <rocksdb/db.h>

namespace drover::storage {

namespace {

bool is_chunk(family where, std::string_view key) {
  return where == family::log && !key.empty() && key[0] == static_cast<char>(keys::tag::log_chunk);
}

} // namespace

std::optional<failure> count_places(rocksdb::DB& database, rocksdb::ColumnFamilyHandle& logs,
                                    chunk_files& files) {
  std::string from{static_cast<char>(keys::tag::log_chunk)};
  auto to = keys::end_of(keys::tag::log_chunk);
  rocksdb::Slice upper{to};
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  how.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> at{database.NewIterator(how, &logs)};
  for (at->Seek(from); at->Valid(); at->Next()) {
    std::string_view value{at->value().data(), at->value().size()};
    if (!is_chunk_place(value))
      continue;
    // A damaged one is told of when its log is read or verified.
    if (auto place = decode_chunk_place(value))
      files.refer(place->file);
  }
  if (auto status = at->status(); !status.ok())
    return failure{ec::damaged, "the chunks of its logs can't be counted, run admin verify: "
                                  + status.ToString()};
  files.remove_unused();
  return std::nullopt;
}

expected<std::optional<std::string>> read_chunk(rocksdb::DB& database,
                                                rocksdb::ColumnFamilyHandle& logs,
                                                const chunk_files& files, std::string_view key,
                                                std::string place) {
  while (is_chunk_place(place)) {
    auto at = decode_chunk_place(place);
    if (!at)
      return at.error();
    auto value = files.read(*at);
    if (value)
      return std::optional{*std::move(value)};
    if (value.error().code != ec::not_found)
      return value.error();
    // A file goes after the keys that referred to it: of sealed chunks.
    std::string now;
    auto status = database.Get({}, &logs, {key.data(), key.size()}, &now);
    if (status.IsNotFound())
      return std::optional<std::string>{};
    if (!status.ok())
      return failure{ec::io, "the place of a chunk can't be read: " + status.ToString()};
    if (now == place)
      return failure{ec::damaged, value.error().text};
    place = std::move(now);
  }
  return std::optional{std::move(place)}; // put anew, and small
}

std::optional<uint64_t> chunk_changes::file_of(const std::string& key) const {
  rocksdb::PinnableSlice value;
  auto status = database_.Get({}, &logs_, key, &value);
  if (!status.ok() || !is_chunk_place({value.data(), value.size()}))
    return std::nullopt;
  auto place = decode_chunk_place({value.data(), value.size()});
  return place ? std::optional{place->file} : std::nullopt;
}

std::optional<failure> chunk_changes::look_at(const std::variant<put, erase>& operation) {
  placed_.reset();
  const auto* value = std::get_if<put>(&operation);
  const auto* gone = std::get_if<erase>(&operation);
  const auto& key = value != nullptr ? value->key : gone->key;
  if (!is_chunk(value != nullptr ? value->where : gone->where, key))
    return std::nullopt;
  auto [known, is_new] = moves_.try_emplace(key);
  if (is_new)
    known->second.from = file_of(key);
  if (known->second.to) // put before in this batch
    files_.forget(*known->second.to);
  known->second.to.reset();
  if (value == nullptr || value->value.size() < limits::chunk_apart_bytes)
    return std::nullopt;
  auto place = files_.append(value->value);
  if (!place)
    return place.error();
  files_.refer(place->file); // at once: it may not go before it is in the database
  known->second.to = place->file;
  placed_ = encode(*place);
  return std::nullopt;
}

void chunk_changes::written(durability when) {
  if (when != durability::synced)
    return; // after a crash the old places may be back
  bool forgot = false;
  for (const auto& [key, one] : moves_) {
    if (one.from) {
      files_.forget(*one.from);
      forgot = true;
    }
  }
  if (forgot)
    files_.remove_unused();
}

} // namespace drover::storage
