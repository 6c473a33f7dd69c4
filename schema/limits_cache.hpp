#pragma once
// Bounds of the step cache.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// -- what goes into a key ------------------------------------------------------------------------

/// What a key is made of, by name: a handful of facts, some variables, some globs. A step with more
/// runs without the cache.
inline constexpr size_t cache_parts_max = 256;
/// Hashing runs at about 1 GB/s: what takes longer than half a minute is not worth a look.
inline constexpr uint64_t cache_input_bytes_max = 32ull * 1024 * 1024 * 1024;
inline constexpr uint64_t cache_input_files_max = 500'000;

// -- what is kept --------------------------------------------------------------------------------

/// Outputs and log of one step, unpacked; they must fit beside the workspace a second time.
inline constexpr uint64_t cache_output_bytes_max = 8ull * 1024 * 1024 * 1024;
inline constexpr uint64_t cache_output_files_max = 200'000;
/// Entries of a farm. Each is a record of about 1 KiB; all of them are looked through when one is
/// added.
inline constexpr size_t cache_entries_max = 4096;
/// Packed bytes of all entries together; those used longest ago go first.
inline constexpr uint64_t cache_bytes_max = 32ull * 1024 * 1024 * 1024;
/// What nobody has used for so long goes.
inline constexpr milliseconds cache_unused_max = 90 * 24h;
/// Entries of one step that are compared to say what differed; the newest ones.
inline constexpr size_t cache_compared_max = 64;
/// Differences that are named in a note; the others are counted.
inline constexpr size_t cache_differences_told = 3;
/// Bytes of a part's value in a note.
inline constexpr size_t cache_value_told_bytes = 80;
/// Level of zstd: fast, as the next step waits for it.
inline constexpr int cache_compression = 3;

// -- waiting -------------------------------------------------------------------------------------

/// How long a step waits for an answer about the cache while its host is connected, and how long
/// altogether: a step that takes an hour is worth a wait, but not any.
inline constexpr milliseconds cache_answer_patience = 30s;
inline constexpr milliseconds cache_offline_patience = 5min;
/// How long a result may take to come or to be handed over without any progress, while connected.
inline constexpr milliseconds cache_progress_patience = 60s;
/// A result that could not be fetched is asked for again so often.
inline constexpr uint32_t cache_fetches_max = 3;
/// Hits that a host was told of and may fetch; the oldest are forgotten beyond.
inline constexpr size_t cache_grants_max = 64;

} // namespace drover::limits
