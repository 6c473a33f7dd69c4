#pragma once
// Bounds of logs on their way into the store and in it.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// Output of a step in one message: large, since a message costs as much as some 100 KiB of output
/// do. Two of them, with what they cost beside their bytes, fit into `link_window_bytes`.
inline constexpr size_t log_piece_bytes = 252 * 1024;
/// Log bytes of an attempt on their way that the coordinator has not confirmed: what it gathers
/// into one commit while it waits for its disk. Whole pieces, and below `log_unstored_max`.
inline constexpr size_t log_flow_bytes = 8 * log_piece_bytes;

/// A chunk of this size lies in a chunk file, and only its place in the database: smaller ones cost
/// less there than a second sync does.
inline constexpr size_t chunk_apart_bytes = 16 * 1024;
/// A chunk file is written on to this size. It is removed once all of it is sealed.
inline constexpr uint64_t chunk_file_bytes = 64ull * 1024 * 1024;

/// Room that a chunk file sets aside on its disk at once: each write finds its blocks made then.
inline constexpr size_t chunk_room_aside = 8 * 1024 * 1024;

/// Whole pieces of logs, which others follow as a rule, become one commit of so much, or of what
/// has come in this time. Half of what a host sends ahead: the other half comes meanwhile.
inline constexpr size_t log_gather_bytes = log_flow_bytes / 2;
inline constexpr std::chrono::milliseconds log_gather_within{20};

/// Logs are sealed while little comes in: less than this between two looks.
inline constexpr std::chrono::milliseconds seal_look{50};
inline constexpr uint64_t seal_quiet_bytes = 256 * 1024;
/// What waits to be sealed. Beyond this it is sealed at once, whatever comes in, so that the disk
/// holds at most this much of logs that are not compressed.
inline constexpr uint64_t log_unsealed_max = 2ull * 1024 * 1024 * 1024;
/// Logs that are sealed in one commit.
inline constexpr size_t seal_logs_at_once = 64;

} // namespace drover::limits
