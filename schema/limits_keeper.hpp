#pragma once
// Bounds of what a keeper does with the output of its step.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// What a step printed last, kept in memory once its log has passed its limit: some thousand lines,
/// enough to see how it ended, and a keeper stays below 2 MiB with it. Also what is read at once.
inline constexpr size_t log_tail_bytes = 256 * 1024;
/// What stands between head and tail: one line.
inline constexpr size_t log_note_bytes_max = 512;
/// A log's bytes between two looks at the room that is left for it.
inline constexpr size_t log_room_every = 256 * 1024;
/// Room on the spool's disk that a log does not take: for tails, records and short logs of others.
/// On a small disk it is this share of it.
inline constexpr uint64_t spool_reserve_bytes = 64ull * 1024 * 1024;
inline constexpr uint64_t spool_reserve_share = 16;
/// Room on that disk that a long log sets aside ahead of itself, to be written with less effort,
/// where more than so much is free beyond the above.
inline constexpr uint64_t log_room_aside = 8ull * 1024 * 1024;
inline constexpr uint64_t log_aside_free_min = 1024ull * 1024 * 1024;
/// A terminal of steps: what build tools wrap their progress lines at.
inline constexpr uint16_t terminal_columns = 120;
inline constexpr uint16_t terminal_rows = 40;

/// A step that took as long or longer has its exit synced to the host's disk: see `outlives_power`.
inline constexpr milliseconds exit_synced_from = 1s;
/// One file of records in an attempt's folder: assignment and order, and orders begun again.
inline constexpr size_t spool_file_bytes_max = 4 * spool_record_bytes_max;
/// Emptied folders that a host keeps to use them again, of attempts and of workspaces each.
inline constexpr size_t emptied_folders_max = 64;
/// How long an agent waits for its nursery to fork a keeper: a moment, but on a machine that swaps.
inline constexpr milliseconds nursery_patience = 5s;
/// Of a short attempt that a host keeps beside others in one file: larger ones keep their folder.
inline constexpr size_t kept_log_bytes_max = 64 * 1024;
inline constexpr size_t kept_attempt_bytes_max = 256 * 1024;
/// What such a file grows to: some thousand attempts; the host reads it whole when it starts.
inline constexpr size_t kept_file_bytes = 4 * 1024 * 1024;
/// Attempts in all such files: some four hundred a second for as long as `spool_kept`, in some
/// 30 MiB of memory. Those beyond it keep their folders.
inline constexpr size_t kept_attempts_max = 256 * 1024;
/// Room that a keeper's file has from the start: all three of its records.
inline constexpr size_t keeper_file_bytes = exit_record_bytes_max + 4096;

} // namespace drover::limits
