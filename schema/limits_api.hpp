#pragma once
// Bounds of the HTTP API and of what keeps the store in order, each with its reason.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

// -- connections -------------------------------------------------------------------------------

/// What is read of a connection and not yet taken: a header, and a chunk's line with extensions.
inline constexpr size_t http_buffer_bytes_max = 128 * 1024;

// -- the journal ---------------------------------------------------------------------------------

/// Entries that a filter looks at before other requests get their turn: some milliseconds' work.
inline constexpr size_t event_look_max = 2000;
/// How long one answer searches for entries that fit its filter; `next` says where to go on.
inline constexpr milliseconds event_search_max = 2s;

// -- keys ----------------------------------------------------------------------------------------

/// Random bytes of a token: nobody guesses 256 bits, however quick the tries.
inline constexpr size_t token_bytes = 32;
/// The longest life that a token may be given; one without an end is made without `expires_in`.
inline constexpr uint64_t token_seconds_max = 10ull * 365 * 24 * 3600;

// -- orders --------------------------------------------------------------------------------------

/// The longest drain or pause with an end.
inline constexpr uint64_t hold_seconds_max = 365ull * 24 * 3600;
/// Newest builds among which the last one of each builder is looked for.
inline constexpr size_t builders_look_max = 10'000;

// -- the store -----------------------------------------------------------------------------------

/// What is read of the store in one go while all of it is read: no iterator lives long.
inline constexpr size_t scan_page_rows = 256;
inline constexpr size_t scan_page_bytes = 8 * 1024 * 1024;
/// Damages that a verification names; the rest is counted.
inline constexpr size_t damages_told_max = 100;
/// Operations of one batch that removes records.
inline constexpr size_t removal_operations_max = 1000;
/// Content that nothing refers to is kept this long: an upload may be waiting for its submission.
inline constexpr milliseconds content_grace = 1h;
/// How exactly the store knows when a blob was wanted last.
inline constexpr milliseconds content_touch_every = 10min;
/// Pieces of garbage that are held in mind at once while they are removed.
inline constexpr size_t garbage_pieces_max = 16 * 1024;
/// A verification reads all that is stored: at 100 MB/s this is 8 TB.
inline constexpr milliseconds store_work_max = 24h;
/// While it works, its answer sends a space this often, so that nobody takes it for dead.
inline constexpr milliseconds store_work_alive = 5s;

} // namespace drover::limits
