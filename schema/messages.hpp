#pragma once
// What a coordinator and its hosts say to each other, as plain values.
//
// Every message may be lost with its link, come twice or come late; each is made so that saying it
// again does no harm, and whoever needs an effect says it again until it is confirmed. The wire
// form is schema/wire.capnp; actors/edge carries these values, tests/sim replaces the carrier.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <optional>
#include <variant>

namespace drover {

// -- host to coordinator -----------------------------------------------------------------------

enum class known_state : uint8_t { preparing = 0, running = 1, ended = 2 };

/// An attempt that the host holds: running, or ended and not yet confirmed as durable.
struct known_attempt {
  grant_token token;
  known_state state = known_state::preparing;
  uint64_t log_bytes = 0;
  friend bool operator==(const known_attempt&, const known_attempt&) = default;
};

/// A workspace belongs to a build's stay on a host.
struct workspace_id {
  build_id build;
  uint32_t placement = 0;
  friend auto operator<=>(const workspace_id&, const workspace_id&) = default;
};

/// The first word of a host on each new connection.
struct hello {
  host_name host;
  std::string machine_id;
  std::string boot_id;
  uint64_t agent_incarnation = 0; ///< random for each start of the agent: tells a restart
  std::string version;
  uint32_t slots = 1;
  host_facts facts;
  std::vector<known_attempt> known;
  std::vector<workspace_id> workspaces = {}; ///< that it keeps; oldest first
  friend bool operator==(const hello&, const hello&) = default;
};

/// Says that the host lives and what it holds. `sent_ms` is the host's own monotonic clock.
struct beat {
  uint64_t sequence = 0;
  int64_t sent_ms = 0;
  std::vector<known_attempt> known;
  friend bool operator==(const beat&, const beat&) = default;
};

/// The attempt's command runs; said once, and again with each beat's `known`.
struct attempt_started {
  grant_token token;
  wall_time at;
  friend bool operator==(const attempt_started&, const attempt_started&) = default;
};

/// Output of an attempt. Repeated from the last confirmed offset until confirmed. An empty chunk
/// only asks for the confirmed offset.
struct log_chunk {
  grant_token token;
  uint64_t offset = 0;
  std::string bytes; ///< at most limits::log_piece_bytes
  friend bool operator==(const log_chunk&, const log_chunk&) = default;
};

/// The attempt is over and nothing of it is left on the host. Repeated until `result_durable`.
/// Sent only after its whole log is confirmed.
struct attempt_ended {
  grant_token token;
  result outcome = result::none; ///< success failure timeout cancelled exception
  int32_t exit_code = -1;
  std::string reason; ///< one sentence; empty for success
  bool keeper_lost = false;
  uint64_t log_bytes = 0;
  wall_time started_at, finished_at;
  resource_usage usage = {};
  std::string leftovers = {}; ///< what had to be killed at its end; empty: nothing
  build_id reused_from = {};  ///< as in attempt_record
  std::string cache_note = {};
  bool out_empty = false; ///< as in attempt_record
  friend bool operator==(const attempt_ended&, const attempt_ended&) = default;
};

/// Asks for a piece of a source blob; the host must hold a grant whose source it is.
struct blob_want {
  build_id build;
  std::string sha256;
  uint64_t offset = 0;
  friend bool operator==(const blob_want&, const blob_want&) = default;
};

/// A piece of an artifact's content. Repeated until `blob_stored` reaches its end.
struct blob_part {
  build_id build;
  std::string sha256;
  uint64_t offset = 0;
  uint64_t total = 0;
  std::string bytes; ///< at most limits::blob_piece_bytes
  friend bool operator==(const blob_part&, const blob_part&) = default;
};

/// Answers `close_build`: the workspace is released, the artifacts are stored. Repeated until the
/// coordinator asks no more.
struct build_closed {
  build_id build;
  uint32_t placement = 0;
  std::vector<artifact_ref> artifacts;
  std::string problem; ///< empty, or why artifacts are missing
  friend bool operator==(const build_closed&, const build_closed&) = default;
};

/// Answers `census_ask`.
struct census_answer {
  uint64_t query = 0;
  std::vector<actor_entry> actors;
  friend bool operator==(const census_answer&, const census_answer&) = default;
};

/// Asks whether a step with a cache has to run; said before it is started. `parts` are what goes
/// into the key, by name; the coordinator adds nothing and checks that the host holds the grant.
struct cache_ask {
  grant_token token;
  std::string key; ///< hex SHA-256
  string_map parts;
  friend bool operator==(const cache_ask&, const cache_ask&) = default;
};

/// The step with this key has run well: its outputs and log are in a blob that was handed over.
struct cache_keep {
  grant_token token;
  std::string key;
  string_map parts;
  std::string sha256;
  uint64_t size = 0;
  friend bool operator==(const cache_keep&, const cache_keep&) = default;
};

/// What the host has found out about itself since `hello`. `trouble`: why it should get no new
/// work, one sentence; empty: it is well.
struct host_news_told {
  host_facts facts;
  std::string trouble;
  friend bool operator==(const host_news_told&, const host_news_told&) = default;
};

/// Each alternative's index is its wire tag: append only.
using host_message =
  std::variant<hello, beat, attempt_started, log_chunk, attempt_ended, blob_want, blob_part,
               build_closed, census_answer, cache_ask, cache_keep, host_news_told>;

// -- coordinator to host -----------------------------------------------------------------------

/// Admits the host. Where each log goes on, the host learns from `log_durable`, the answer to its
/// first chunk (which may be empty).
struct welcome {
  epoch coordinator;
  session_number session;
  milliseconds beat_every{0};
  milliseconds lease{0};
  friend bool operator==(const welcome&, const welcome&) = default;
};

/// Refuses the host; the link is dropped after it.
struct refusal {
  std::string reason;
  friend bool operator==(const refusal&, const refusal&) = default;
};

struct beat_answer {
  uint64_t sequence = 0;
  friend bool operator==(const beat_answer&, const beat_answer&) = default;
};

/// A step to run: everything that the host needs. Idempotent by token.
struct assignment {
  grant_token token;
  uint32_t placement = 0; ///< a workspace belongs to (build, placement)
  std::string builder;
  step_spec step;
  source_ref source;
  friend bool operator==(const assignment&, const assignment&) = default;
};

struct cancel_attempt {
  grant_token token;
  std::string reason;
  friend bool operator==(const cancel_attempt&, const cancel_attempt&) = default;
};

struct log_durable {
  grant_token token;
  uint64_t offset = 0;
  friend bool operator==(const log_durable&, const log_durable&) = default;
};

/// The result is stored, or is evidence that changes nothing; the host may forget it in time.
struct result_durable {
  grant_token token;
  friend bool operator==(const result_durable&, const result_durable&) = default;
};

struct blob_piece {
  std::string sha256;
  uint64_t offset = 0;
  uint64_t total = 0;
  std::string bytes;
  std::string problem; ///< not empty: the blob can't be had, and why
  friend bool operator==(const blob_piece&, const blob_piece&) = default;
};

/// How far an artifact's content is stored; `durable` at its end.
struct blob_stored {
  std::string sha256;
  uint64_t offset = 0;
  bool durable = false;
  std::string problem; ///< not empty: it is refused, and why
  friend bool operator==(const blob_stored&, const blob_stored&) = default;
};

/// The build needs this host no more: keep what matches `globs` and what lies under
/// $DROVER_OUT (where `keep_artifacts` is set), then release the workspace.
struct close_build {
  build_id build;
  uint32_t placement = 0;
  bool keep_artifacts = false;
  std::vector<std::string> globs;
  uint64_t bytes_max = 0; ///< of all artifacts together; 0: no bound of the farm's own
  friend bool operator==(const close_build&, const close_build&) = default;
};

struct census_ask {
  uint64_t query = 0;
  friend bool operator==(const census_ask&, const census_ask&) = default;
};

/// The agent ends itself and is started again by its parent; steps run on.
struct restart_agent {
  std::string reason;
  friend bool operator==(const restart_agent&, const restart_agent&) = default;
};

/// Answers `cache_ask`: a blob to restore from, or that the step has to run.
struct cache_answer {
  grant_token token;
  bool hit = false;
  std::string sha256; ///< of a hit
  uint64_t size = 0;
  build_id from;
  std::string note; ///< of a miss: what differed from the nearest entry
  friend bool operator==(const cache_answer&, const cache_answer&) = default;
};

/// The entry of `cache_keep` is durable, or is not wanted and why.
struct cache_kept {
  grant_token token;
  std::string problem;
  friend bool operator==(const cache_kept&, const cache_kept&) = default;
};

/// Each alternative's index is its wire tag: append only.
using farm_message = std::variant<welcome, refusal, beat_answer, assignment, cancel_attempt,
                                  log_durable, result_durable, blob_piece, blob_stored, close_build,
                                  census_ask, restart_agent, cache_answer, cache_kept>;

} // namespace drover
