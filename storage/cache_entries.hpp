#pragma once
// The step cache in the store: entries by key, and by the step that made them.
//
// `put_*` and `remove_*` only fill a batch: the recorder commits it. The layout is storage/KEYS.md.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "storage/store.hpp"

namespace drover::storage {

/// The hex SHA-256 of a text; empty if it can't be made.
std::string text_digest(std::string_view text);

/// Writes the entry and its place among those of its step. `entry.key` is a hex SHA-256.
void put_cache_entry(write_batch& batch, const cache_record& entry);
void remove_cache_entry(write_batch& batch, const cache_record& entry);
/// By hex key. A damaged one is an error.
expected<std::optional<cache_record>> read_cache_entry(const store& from, const std::string& key);
/// All of them, in the order of their keys. Damaged ones are left out.
expected<std::vector<cache_record>> list_cache_entries(const store& from);
/// Of one step of a builder, the newest ones, `rows` at most. Damaged ones are left out.
expected<std::vector<cache_record>> cache_entries_of(const store& from, const std::string& builder,
                                                     const std::string& step, size_t rows);

} // namespace drover::storage
