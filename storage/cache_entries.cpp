// SPDX-License-Identifier: Apache-2.0
#include "storage/cache_entries.hpp"

#include "schema/record_codec.hpp"
#include "storage/hex.hpp"
#include "storage/read_records.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace drover::storage {

namespace {

std::string raw_key(const std::string& hex) {
  return from_hex(hex).value_or(std::string(keys::digest_bytes, '\0'));
}

} // namespace

std::string text_digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return {};
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

void put_cache_entry(write_batch& batch, const cache_record& entry) {
  auto raw = raw_key(entry.key);
  batch.add(family::history, keys::cache_entry(raw), record::encode(entry));
  batch.add(family::history, keys::cache_step({entry.builder, entry.step}, raw), {});
}

void remove_cache_entry(write_batch& batch, const cache_record& entry) {
  auto raw = raw_key(entry.key);
  batch.remove(family::history, keys::cache_entry(raw));
  batch.remove(family::history, keys::cache_step({entry.builder, entry.step}, raw));
}

expected<std::optional<cache_record>> read_cache_entry(const store& from, const std::string& key) {
  return read_record(from, keys::cache_entry(raw_key(key)), record::decode_cache_entry,
                     "cache entry " + key);
}

expected<std::vector<cache_record>> list_cache_entries(const store& from) {
  std::vector<cache_record> found;
  auto visit = [&](std::string_view, std::string_view bytes) {
    if (auto entry = record::decode_cache_entry(bytes))
      found.push_back(*std::move(entry));
    return true;
  };
  auto first = keys::cache_entry(std::string(keys::digest_bytes, '\0'));
  auto problem = from.scan(family::history, first, keys::end_of(keys::tag::cache_entry),
                           scan_order::ascending, visit);
  if (problem)
    return about("the step cache", *problem);
  return found;
}

expected<std::vector<cache_record>> cache_entries_of(const store& from, const std::string& builder,
                                                     const std::string& step, size_t rows) {
  std::vector<std::string> digests;
  auto visit = [&](std::string_view key, std::string_view) {
    digests.emplace_back(key.substr(key.size() - keys::digest_bytes));
    return true;
  };
  keys::cache_step_key which{builder, step};
  auto problem =
    from.scan(family::history, keys::cache_step(which, std::string(keys::digest_bytes, '\0')),
              keys::after(keys::cache_step(which, std::string(keys::digest_bytes, '\xff'))),
              scan_order::ascending, visit);
  if (problem)
    return about("the step cache", *problem);
  std::vector<cache_record> found;
  for (const auto& digest : digests)
    if (auto entry = read_cache_entry(from, to_hex(digest)); entry && *entry)
      found.push_back(**std::move(entry));
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.made_at != b.made_at ? a.made_at > b.made_at : a.key < b.key;
  });
  if (found.size() > rows)
    found.resize(rows);
  return found;
}

} // namespace drover::storage
