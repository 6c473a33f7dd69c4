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
/// Parameters of a builder, and values that one of them may choose from.
inline constexpr size_t params_max = 64;
inline constexpr size_t choices_max = 256;
/// Files of a configuration, included ones counted.
inline constexpr size_t config_files_max = 64;
/// Configurations that are kept, the newest.
inline constexpr size_t config_generations_kept = 100;
/// Keys to the API.
inline constexpr size_t tokens_max = 1000;
/// Builds that one submission may make: builders times hosts.
inline constexpr size_t cells_max = 10'000;

// -- configuration -----------------------------------------------------------------------------

/// A config of 1 MiB describes thousands of builders; larger input is a mistake or an attack.
inline constexpr size_t config_bytes_max = 1024 * 1024;
/// Nesting of YAML; ours needs five levels.
inline constexpr size_t yaml_depth_max = 32;
/// Nodes after aliases are expanded: the budget that an alias bomb exhausts.
inline constexpr size_t yaml_nodes_max = 100'000;
/// Text after aliases are expanded: one long text can be named many times.
inline constexpr size_t yaml_text_bytes_max = 4 * config_bytes_max;
/// Errors shown for one config; more than that is one mistake seen many times.
inline constexpr size_t config_errors_max = 100;
/// Nesting of parentheses and `not` in a requirement: its parser recurses.
inline constexpr size_t requirement_depth_max = 64;

// -- time --------------------------------------------------------------------------------------

inline constexpr milliseconds beat_interval = 500ms;
/// Beats of all hosts in a second; more hosts beat slower: a third of a core of the coordinator.
inline constexpr uint64_t beats_per_second = 2500;
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
/// How long a host's page tells of a second agent that came under its name.
inline constexpr milliseconds rival_remembered = 1min;
/// Two agents under one name raise an alarm, and again this seldom while they go on.
inline constexpr milliseconds rival_alarm_every = 10min;
/// How long an actor may take to answer the census before it is shown as blocked.
inline constexpr milliseconds census_answer = 300ms;
/// How exactly the end of a wait for news is kept.
inline constexpr milliseconds wait_granularity = 100ms;
/// How often a supervisor looks at the silence of its host and at open orders.
inline constexpr milliseconds supervisor_tick = 200ms;
/// Requests between actors of one process.
inline constexpr milliseconds request_timeout = 30s;
/// How long a host keeps what the coordinator has stored durably, to repair a damaged store.
inline constexpr milliseconds spool_kept = 10min;

/// Entries of the journal that are kept; older ones go when the store is cleaned up.
inline constexpr uint64_t events_kept = 1'000'000;
/// Entries of the journal in one answer or one turn of a stream.
inline constexpr size_t event_rows_max = 500;
/// Readers that may wait for the journal's next entry.
inline constexpr size_t event_waiters_max = 4096;
/// A stream of events says this often that it lives: proxies cut silent connections.
inline constexpr milliseconds event_heartbeat = 15s;

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
/// A program that died starts again after this, doubling up to the maximum, each with jitter: the
/// first restart is over before a host is suspected.
inline constexpr milliseconds program_backoff_first = 50ms;
inline constexpr milliseconds program_backoff_max = 2s;
/// Deaths of the coordinator before it has ever been ready, after which `drover up` gives up.
inline constexpr uint32_t program_starts_failed_max = 5;
/// How long `drover up` waits for the coordinator and its hosts before it says who is missing.
inline constexpr milliseconds farm_ready_wait = 30s;
/// How long a program may take to stop after SIGTERM.
inline constexpr milliseconds program_stop_grace = 10s;

// -- messages, logs, blobs ---------------------------------------------------------------------

/// A message between machines, checked before allocation.
inline constexpr size_t message_words_max = 1024 * 1024;
/// Output of a step per message and per stored chunk.
inline constexpr size_t log_chunk_bytes = 64 * 1024;
/// Log bytes of one attempt that wait for the store: what comes beyond this is of a host that does
/// not keep to the window, and is dropped.
inline constexpr size_t log_unstored_max = 2 * 1024 * 1024;
/// Log of one attempt: beyond this the step is ended with a verdict that names the limit.
inline constexpr uint64_t log_bytes_max = 16ull * 1024 * 1024 * 1024;
/// Unsealed log in the store before a segment is sealed and compressed.
inline constexpr size_t log_segment_bytes = 4 * 1024 * 1024;
/// The store's high-water file is written this seldom at most: it may lag by as much.
inline constexpr milliseconds high_water_interval = 1s;
/// Lines between two entries of a sealed segment's line index.
inline constexpr uint32_t log_line_index_every = 1000;
/// What is decompressed at once to read any byte of a sealed log.
inline constexpr uint32_t log_frame_bytes = 256 * 1024;
/// One piece of a blob (a source or an artifact) in a message.
inline constexpr size_t blob_piece_bytes = 256 * 1024;
/// Pieces of a blob on their way at once.
inline constexpr size_t blob_pieces_in_flight = 8;
/// Pieces of one host that the artifact store has not answered; what comes beyond this is dropped,
/// and its sender repeats it.
inline constexpr size_t host_pieces_max = 8 * blob_pieces_in_flight;
/// Blobs that may be on their way in at once, from people and from hosts each.
inline constexpr size_t blobs_incoming_max = 64;
inline constexpr uint64_t blob_bytes_max = 8ull * 1024 * 1024 * 1024;
/// Artifacts of one build.
inline constexpr size_t artifacts_max = 10'000;
/// What an archive may unpack to, and how many entries it may have.
inline constexpr uint64_t unpacked_bytes_max = 32ull * 1024 * 1024 * 1024;
inline constexpr uint64_t unpacked_entries_max = 2'000'000;
/// Attempts that a host may know of at once: running ones and those not yet confirmed.
inline constexpr size_t known_attempts_max = 4096;
/// Actors that one process tells of: an actor an attempt, and some dozens.
inline constexpr size_t census_entries_max = 2 * known_attempts_max;
/// Workspaces that a host tells of when it joins, the oldest first; the rest next time.
inline constexpr size_t workspaces_told_max = 4096;
/// Slots of a host.
inline constexpr uint32_t slots_max = 1024;
inline constexpr size_t hosts_max = 20'000;

// -- links between machines --------------------------------------------------------------------

/// Nesting of a message's structs; ours needs six levels.
inline constexpr int message_nesting_max = 16;
/// Bytes of logs and blobs in calls that the other side has not answered: small, so that a beat
/// does not wait long behind them, but enough to keep a fast network busy.
inline constexpr size_t link_window_bytes = 512 * 1024;
/// All other calls that the other side has not answered.
inline constexpr size_t link_calls_in_flight = 64;
/// Calls of a peer that we have not answered, or answers that it does not read: a correct peer has
/// far fewer, so beyond this the link is dropped.
inline constexpr size_t link_queue_max = 256;
/// Answers of ours that a peer has not let go of; a correct one does so once it has read them.
inline constexpr size_t link_held_max = 4 * link_queue_max;
/// What a waiting message costs beside its bytes, roughly.
inline constexpr size_t link_message_overhead = 256;
/// RPC messages of a peer in one second: more than a host has to say of all attempts that it may
/// know at once, answers included. Beyond this the link is dropped.
inline constexpr uint64_t link_messages_per_second_max = 40'000;
/// Words of a peer's unanswered calls at which its socket is not read on.
inline constexpr size_t link_inbound_words_max = 512 * 1024;
/// Messages that wait for a slow peer; beyond this the link is dropped: twice what all known
/// attempts of a host may need at once.
inline constexpr size_t link_waiting_max = 4 * known_attempts_max;
/// Log and blob bytes that wait for a slow peer; what comes beyond this is dropped, and its sender
/// repeats it.
inline constexpr size_t link_waiting_bytes_max = 16 * 1024 * 1024;
/// Malformed messages of one peer, each dropped with a warning; beyond this its link is.
inline constexpr size_t link_bad_messages_max = 64;
/// How long a refused host may take to read the reason before its connection is closed.
inline constexpr milliseconds refusal_linger = 1s;
/// TLS handshakes at once; more connections wait in the kernel's queue.
inline constexpr size_t handshakes_max = 512;
/// Lines about strangers that the log takes within the period; the rest is counted.
inline constexpr uint32_t strangers_logged_max = 20;
inline constexpr milliseconds strangers_log_period = 10s;
/// After the system had no descriptor for a new connection.
inline constexpr milliseconds accept_backoff = 200ms;
/// A key or certificate file; ours have about one kilobyte.
inline constexpr size_t key_file_bytes_max = 64 * 1024;
/// Messages that an actor on the loop handles before sockets get their turn.
inline constexpr size_t loop_messages_max = 64;

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
/// A client refused before its body ended may still be sending: this much of the rest is read and
/// dropped, this long, so that it gets to see the answer.
inline constexpr size_t http_linger_bytes_max = 4 * 1024 * 1024;
inline constexpr milliseconds http_linger = 2s;
/// A request that waits for a log looks this often whether the attempt has ended meanwhile.
inline constexpr milliseconds http_log_slice = 500ms;
/// A bearer token; ours have 43 characters.
inline constexpr size_t http_token_bytes_min = 16;
inline constexpr size_t http_token_bytes_max = 512;
/// How long the command line waits for a farm that took its connection: longer than
/// `http_wait_max`.
inline constexpr milliseconds client_patience = 45s;
/// How long a waiting command bears a farm that is away: longer than a coordinator's restart.
inline constexpr milliseconds client_reconnect = 60s;
/// What `--watch` and `--wait` let pass between two looks.
inline constexpr milliseconds client_look_interval = 1s;
/// An answer that the command line holds in memory; logs and artifacts are streamed.
inline constexpr size_t client_answer_bytes_max = 256 * 1024 * 1024;

// -- keepers, spool and workspaces of a host -----------------------------------------------------

/// One record file in an attempt's folder: a script, its environment and room for both to escape.
inline constexpr size_t spool_record_bytes_max = 4 * 1024 * 1024;
/// Room kept for the exit record from the start, so that a full disk can't swallow it.
inline constexpr size_t exit_record_bytes_max = 8 * 1024;
/// Output taken in one read, and the pipe that is asked for (what a process may have without root).
inline constexpr size_t keeper_read_bytes = 256 * 1024;
inline constexpr int keeper_pipe_bytes = 1024 * 1024;
/// KILL is repeated this often until nothing is left, and given up after `kill_wait`: a process in
/// an uninterruptible system call can't be killed, and the verdict says so.
inline constexpr milliseconds kill_repeat = 20ms;
inline constexpr milliseconds kill_wait = 10s;
/// Names of killed processes that a reason lists.
inline constexpr size_t leftovers_named_max = 5;
/// Downloads kept for later builds: a release with its companions, many times over.
inline constexpr size_t source_cache_files_max = 64;
inline constexpr uint64_t source_cache_bytes_max = 20ull * 1024 * 1024 * 1024;
/// Matches that one glob may try on one path: `**` many times over a deep path is a mistake.
inline constexpr size_t glob_steps_max = 100'000;
/// Folders within folders below a workspace that the search for artifacts follows.
inline constexpr size_t folder_depth_max = 128;
/// A program asked for its version: it answers at once or is hung.
inline constexpr milliseconds probe_timeout = 5s;

// -- what a step may use -------------------------------------------------------------------------

/// Processes and threads of a step that says nothing of them: parallel compilers and test suites
/// need hundreds, a fork bomb needs all.
inline constexpr uint32_t step_pids_default = 8192;
/// The largest bounds that a config may name: beyond them a unit was mistaken.
inline constexpr uint64_t step_memory_max = 1ull << 50;
inline constexpr uint64_t step_disk_max = 1ull << 50;
inline constexpr uint32_t step_pids_max = 4 * 1024 * 1024;
inline constexpr uint32_t step_cpus_max = 4096;
inline constexpr uint32_t step_files_max = 1024 * 1024 * 1024;
/// The smallest: below them a shell does not start.
inline constexpr uint64_t step_memory_min = 4 * 1024 * 1024;
inline constexpr uint32_t step_pids_min = 4;
inline constexpr uint32_t step_files_min = 16;
/// Steps are this much nicer than the agent, whose beats must not wait for them.
inline constexpr int step_nice = 5;
/// How often a keeper looks whether its step has met a limit of its cgroup.
inline constexpr milliseconds usage_look = 500ms;
/// What a step uses of the disk is counted anew this long after the last count, or after
/// `disk_count_rest` times the time that it took, whichever is longer.
inline constexpr milliseconds disk_count_every = 2s;
inline constexpr int disk_count_rest = 10;
/// Files looked at between two looks at the step's output.
inline constexpr size_t disk_count_piece = 2000;
/// Files in one count: what lies beyond is not counted.
inline constexpr size_t disk_count_files_max = 4'000'000;
/// Control groups of a killed step are waited for this long, until they are empty.
inline constexpr milliseconds cgroup_empty_wait = 2s;
/// Between two looks whether a group has become empty.
inline constexpr milliseconds cgroup_look = 5ms;
/// Users for steps where none is named: the range that systemd gives out and no user database has.
inline constexpr uint32_t step_user_first = 61184;
inline constexpr uint32_t step_user_last = 65519;
/// Folders within folders of a workspace that changes hands: as deep as a path may be.
inline constexpr size_t path_depth_max = 2048;
/// A lease in the spool is written anew when this part of it has passed.
inline constexpr int lease_renewals = 20;

// -- a host --------------------------------------------------------------------------------------

/// Names of crashed actors whose restarts the census remembers: bounds what endless new names cost.
inline constexpr size_t crashed_names_max = 4096;
/// A coordinator that asks for more beats than this costs a host more than it learns.
inline constexpr milliseconds beat_interval_min = 50ms;
/// Beats without an answer after which the link is given up and made anew: a coordinator that is
/// busy for a second or two must not cost a reconnect.
inline constexpr uint64_t beats_unanswered_max = 6;
/// A try to connect that ends in neither yes nor no is given up after handshake and join, and some.
inline constexpr milliseconds connect_patience = 10s;
/// A step looks for new output this soon after it found some ...
inline constexpr milliseconds log_poll_first = 20ms;
/// ... and this seldom while its command is quiet, doubling in between.
inline constexpr milliseconds log_poll_max = 250ms;
/// Downloads of one source that may arrive damaged before its builds are told.
inline constexpr uint32_t downloads_damaged_max = 2;
/// Answers to `close_build` that are remembered, to be said again when asked again.
inline constexpr size_t closed_builds_kept = 1000;

} // namespace drover::limits
