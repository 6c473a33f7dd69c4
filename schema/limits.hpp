#pragma once
// Every bound of the farm, with its reason. Code names a bound from here, never a bare number.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// -- names and texts ---------------------------------------------------------------------------

/// Names of hosts, builders, steps and sources: short enough for a table's column and a file name.
inline constexpr size_t name_bytes_max = 63;
/// A reason is one sentence that fits a terminal line or two, a mail subject, an IRC line.
inline constexpr size_t reason_bytes_max = 400;
/// A step's script; longer ones belong into the source.
inline constexpr size_t command_bytes_max = 64 * 1024;
/// Entries in the environment, parameters, labels or globs of one thing.
inline constexpr size_t entries_max = 256;
/// One value of an environment entry, parameter, label or fact.
inline constexpr size_t value_bytes_max = 4096;
/// Steps of a builder: a recipe that needs more is a script.
inline constexpr size_t steps_max = 200;
/// Builds that one submission may make: builders times hosts.
inline constexpr size_t cells_max = 10'000;

// -- configuration -----------------------------------------------------------------------------

/// A config of 1 MiB describes thousands of builders; larger input is a mistake or an attack.
inline constexpr size_t config_bytes_max = 1024 * 1024;
/// Nesting of YAML; ours needs five levels.
inline constexpr size_t yaml_depth_max = 32;
/// Nodes after aliases are expanded: the budget that an alias bomb exhausts.
inline constexpr size_t yaml_nodes_max = 100'000;
/// Errors shown for one config; more than that is one mistake seen many times.
inline constexpr size_t config_errors_max = 100;
/// Nesting of parentheses and `not` in a requirement: its parser recurses.
inline constexpr size_t requirement_depth_max = 64;

// -- time --------------------------------------------------------------------------------------

inline constexpr milliseconds beat_interval = 500ms;
/// Silence after which a host gets no new work.
inline constexpr milliseconds suspect_after = 700ms;
/// Silence after which its lease is over and its work goes elsewhere.
inline constexpr milliseconds lease = 60s;
/// A host whose coordinator is gone keeps its steps running this long.
inline constexpr milliseconds orphan_time = 24h;
/// A grant or an order that the host has not confirmed is sent again after this.
inline constexpr milliseconds resend_after = 2s;
/// TERM, then this long, then KILL.
inline constexpr milliseconds kill_grace = 10s;
/// How long output may still arrive after a step's command has exited.
inline constexpr milliseconds drain_after_exit = 1s;
inline constexpr milliseconds step_timeout_default = 2h;
inline constexpr milliseconds step_silence_default = 20min;
inline constexpr milliseconds step_timeout_max = 30 * 24h;
/// Reconnects wait this long at first, doubling up to the maximum, each with jitter.
inline constexpr milliseconds reconnect_first = 100ms;
inline constexpr milliseconds reconnect_max = 5s;
/// How long a peer may take for the TLS handshake, and again for `join`.
inline constexpr milliseconds accept_timeout = 3s;
inline constexpr milliseconds join_timeout = 5s;
/// How long an actor may take to answer the census before it is shown as blocked.
inline constexpr milliseconds census_answer = 300ms;
/// Requests between actors of one process.
inline constexpr milliseconds request_timeout = 30s;
/// How long a host keeps what the coordinator has stored durably, to repair a damaged store.
inline constexpr milliseconds spool_kept = 10min;

// -- retries -----------------------------------------------------------------------------------

/// Attempts of a step whose keeper was lost: once more, since the cause may have been an accident.
inline constexpr uint32_t keeper_lost_attempts_max = 2;
/// Hosts that may be lost under one build before the build itself is suspected.
inline constexpr uint32_t placements_max = 3;
/// Restarts of an actor within the period, after which its supervisor gives up too (as in OTP).
inline constexpr uint32_t actor_restarts_max = 5;
inline constexpr milliseconds actor_restart_period = 60s;
/// Restarts of a program by `drover up` within the period.
inline constexpr uint32_t program_restarts_max = 20;
inline constexpr milliseconds program_restart_period = 60s;

// -- messages, logs, blobs ---------------------------------------------------------------------

/// A message between machines, checked before allocation.
inline constexpr size_t message_words_max = 1024 * 1024;
/// Output of a step per message and per stored chunk.
inline constexpr size_t log_chunk_bytes = 64 * 1024;
/// Log bytes on their way that the coordinator has not confirmed, for each attempt.
inline constexpr size_t log_window_bytes = 1024 * 1024;
/// Log of one attempt: beyond this the step is ended with a verdict that names the limit.
inline constexpr uint64_t log_bytes_max = 16ull * 1024 * 1024 * 1024;
/// Unsealed log in the store before a segment is sealed and compressed.
inline constexpr size_t log_segment_bytes = 4 * 1024 * 1024;
/// One piece of a blob (a source or an artifact) in a message.
inline constexpr size_t blob_piece_bytes = 256 * 1024;
/// Pieces of a blob on their way at once.
inline constexpr size_t blob_pieces_in_flight = 8;
inline constexpr uint64_t blob_bytes_max = 8ull * 1024 * 1024 * 1024;
/// Artifacts of one build.
inline constexpr size_t artifacts_max = 10'000;
/// What an archive may unpack to, and how many entries it may have.
inline constexpr uint64_t unpacked_bytes_max = 32ull * 1024 * 1024 * 1024;
inline constexpr uint64_t unpacked_entries_max = 2'000'000;
/// Writes waiting for the store before senders are refused.
inline constexpr size_t recorder_queue_max = 10'000;
/// Attempts that a host may know of at once: running ones and those not yet confirmed.
inline constexpr size_t known_attempts_max = 4096;
/// Slots of a host.
inline constexpr uint32_t slots_max = 1024;
inline constexpr size_t hosts_max = 20'000;

// -- people's traffic --------------------------------------------------------------------------

inline constexpr size_t http_header_bytes_max = 16 * 1024;
/// JSON bodies; uploads of sources are streamed and bounded by `blob_bytes_max`.
inline constexpr size_t http_body_bytes_max = 1024 * 1024;
inline constexpr milliseconds http_idle_timeout = 60s;
inline constexpr size_t http_connections_max = 1000;
/// The longest that a request may wait for news (long polling).
inline constexpr milliseconds http_wait_max = 30s;
/// Log bytes in one answer to a poll.
inline constexpr size_t http_log_bytes_max = 1024 * 1024;
inline constexpr size_t page_rows_default = 50;
inline constexpr size_t page_rows_max = 1000;

} // namespace drover::limits
