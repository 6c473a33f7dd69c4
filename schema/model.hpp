#pragma once
// The farm's vocabulary as plain values: recipes, records, facts. No behaviour, no I/O.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"
#include "schema/herd_model.hpp"
#include "schema/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace drover {

/// How a build, step or attempt ended. Numbers are stored: never reuse one.
enum class result : uint8_t {
  none = 0, ///< not ended yet
  success = 1,
  warnings = 2,
  failure = 3,
  exception = 4, ///< the farm's own fault, or the environment's
  host_lost = 5,
  timeout = 6,
  cancelled = 7,
  skipped = 8,
};

/// `queued`: runs as soon as a slot is free. `waiting`: something else must happen first.
enum class build_state : uint8_t { queued = 0, waiting = 1, running = 2, finished = 3 };
enum class step_state : uint8_t { pending = 0, waiting = 1, running = 2, finished = 3 };
/// `granted`: recorded, not yet confirmed by the host. `lost`: its host's lease ended first.
enum class attempt_state : uint8_t { granted = 0, running = 1, finished = 2, lost = 3 };
/// `counts`: the first accepted result of these is the step's. `repeats`: prepares a new host's
/// workspace for later steps; the step's accepted result stands whatever this one says.
enum class attempt_role : uint8_t { counts = 0, repeats = 1 };
/// Whose fault a failure is, as far as the farm can tell. Numbers are stored: never reuse one.
enum class blame : uint8_t {
  none = 0,
  code = 1,
  host = 2,
  network = 3,
  environment = 4,
  flaky = 5,
};

// -- what a build is made from -----------------------------------------------------------------

struct source_ref {
  source_kind kind = source_kind::none;
  std::string id;       ///< file name of a tarball; repository of a revision; "a + b" of a set
  std::string sha256;   ///< of a tarball's bytes, or of a set's sorted digests; hex
  std::string revision; ///< of hg and git
  uint64_t size = 0;
  friend bool operator==(const source_ref&, const source_ref&) = default;
};

struct artifact_ref {
  std::string path; ///< relative, as the step wrote it below $DROVER_OUT or the workspace
  std::string sha256;
  uint64_t size = 0;
  friend bool operator==(const artifact_ref&, const artifact_ref&) = default;
};

// -- records -----------------------------------------------------------------------------------

/// What an attempt has used, as far as its host could tell; 0: not known.
struct resource_usage {
  int64_t user_ms = 0;
  int64_t system_ms = 0;
  uint64_t memory_peak = 0; ///< bytes; of all processes together where there is a cgroup
  uint32_t pids_peak = 0;
  uint64_t disk_peak = 0; ///< bytes; looked at only where the step has a limit
  friend bool operator==(const resource_usage&, const resource_usage&) = default;
};

struct attempt_record {
  attempt_number number;
  host_name host;
  epoch granted_in;
  uint32_t placement = 0; ///< which stay of the build on a host this belongs to, from 1
  attempt_role role = attempt_role::counts;
  attempt_state state = attempt_state::granted;
  result outcome = result::none;
  int32_t exit_code = -1; ///< of the command; 128 + n for signal n; -1: none
  bool keeper_lost = false;
  std::string reason;
  wall_time granted_at, started_at, finished_at;
  uint64_t log_bytes = 0; ///< complete once the attempt is finished
  resource_usage usage = {};
  std::string leftovers = {};  ///< what had to be killed at its end; empty: nothing
  bool hedge = false;          ///< begun because another attempt's host was silent
  build_id reused_from = {};   ///< the build whose result the step cache gave; 0: it ran
  std::string cache_note = {}; ///< of a step with a cache: where it came from, or what differed
  bool out_empty = false;      ///< it passed, and nothing lay in $DROVER_OUT then; false: not known
  friend bool operator==(const attempt_record&, const attempt_record&) = default;
};

struct step_record {
  step_index index;
  std::string name;
  step_state state = step_state::pending;
  result outcome = result::none;
  int32_t exit_code = -1;
  attempt_number accepted; ///< whose result stands; 0: none yet
  std::string reason;
  std::vector<attempt_record> attempts;
  friend bool operator==(const step_record&, const step_record&) = default;
};

struct build_record {
  build_id id;
  std::string builder;
  campaign_id campaign; ///< 0: none
  build_state state = build_state::queued;
  result outcome = result::none;
  std::string reason; ///< why it waits or how it ended, one sentence
  source_ref source;
  string_map params;
  std::string requested_by;
  std::string requested_because;
  host_name pinned; ///< empty: any host that serves
  host_name host;   ///< where it is or was placed last; empty: nowhere yet
  uint32_t placement = 0;
  bool cancel_requested = false;
  std::string cancel_reason;
  wall_time created_at, started_at, finished_at;
  std::vector<artifact_ref> artifacts; ///< known once finished
  std::string artifact_problem;        ///< empty, or why artifacts are missing
  build_id retry_of = {};              ///< the build that this one repeats; 0: none
  uint64_t generation = 0;             ///< of the config that its recipe is from
  build_id opinion_of = {};            ///< the failed build that this one judges; 0: none
  blame fault = blame::none;           ///< of a build that is red
  std::string fault_evidence = {};     ///< one sentence
  bool artifacts_dropped = false;      ///< by retention
  friend bool operator==(const build_record&, const build_record&) = default;
};

/// A build with what it does: what an active build holds in memory and recovery reads back.
struct build_file {
  build_record build;
  builder_spec recipe; ///< as it was when the build was submitted
  std::vector<step_record> steps;
  friend bool operator==(const build_file&, const build_file&) = default;
};

struct campaign_cell {
  std::string builder;
  host_name host;         ///< empty where the builder runs on any host
  std::string host_class; ///< "linux/arm64" where the builder runs on each class of hosts
  build_id build;         ///< 0: none, then `reason` says why
  std::string reason;
  friend bool operator==(const campaign_cell&, const campaign_cell&) = default;
};

struct campaign_record {
  campaign_id id;
  source_ref source;
  std::vector<campaign_cell> cells;
  std::string requested_by;
  std::string requested_because;
  wall_time created_at;
  friend bool operator==(const campaign_record&, const campaign_record&) = default;
};

// -- sources -----------------------------------------------------------------------------------

/// Something new that a source noticed: a revision or a tarball. Built once.
struct change_record {
  change_id id;
  std::string source;   ///< the name of the source
  std::string identity; ///< what makes it this change: a revision, or a file's name and digest
  source_ref ref;       ///< its content is stored
  std::string branch;   ///< of a revision
  std::string author;   ///< as the repository says; foreign text
  std::string title;    ///< the message's first line, or the file's name; foreign text
  std::string note;     ///< for people: "uploaded again under an old name"; empty: nothing unusual
  std::vector<std::string> covers; ///< revisions before it that came with it, newest first
  wall_time made_at;               ///< as the repository says; 0: not known
  wall_time seen_at;
  campaign_id campaign; ///< what was built of it; 0: none, or a single build
  std::vector<build_id> builds;
  friend bool operator==(const change_record&, const change_record&) = default;
};

/// How watching a source goes.
struct source_status {
  std::string name;
  wall_time last_look;    ///< 0: never
  wall_time last_success; ///< 0: never
  std::string last_error; ///< of the last look; empty: it went well
  wall_time next_look;    ///< 0: not planned
  string_map cursor;      ///< where the next look goes on: branch -> revision
  friend bool operator==(const source_status&, const source_status&) = default;
};

// -- what happened -----------------------------------------------------------------------------

/// Numbers are stored: never reuse one.
enum class event_kind : uint8_t {
  farm_started = 1,  ///< `text`: version and epoch
  config_loaded = 2, ///< `text`: its generation and what changed
  build_submitted = 3,
  build_started = 4, ///< placed on `host`
  build_finished = 5,
  step_started = 6,
  step_finished = 7,
  attempt_lost = 8,
  cancel_requested = 9,
  campaign_created = 10,
  campaign_finished = 11,
  host_changed = 12,   ///< `state`: its new state
  host_ordered = 13,   ///< a person drains, pauses, resumes, restarts or forgets it
  token_changed = 14,  ///< a key to the API was made or revoked
  store_kept = 15,     ///< backup, verification or clean-up of the store
  change_seen = 16,    ///< a source has something new; `text`: what and from whom
  source_failed = 17,  ///< a source can't be looked at any more; `text`: why
  source_back = 18,    ///< it can be again
  ladder_climbed = 19, ///< a command to bring `host` back was run; `text`: which, why, how it went
  host_quarantined = 20,   ///< `text`: the evidence
  host_released = 21,      ///< from quarantine; `text`: what proved it
  build_poisoned = 22,     ///< it killed hosts and is not tried again
  attempt_hedged = 23,     ///< a second attempt beside a silent host's
  herd_alarm = 24,         ///< half the herd gone at once, or back
  user_changed = 25,       ///< an account was made, changed or removed
  signed_in = 26,          ///< or refused: `text` says which
  notice_made = 27,        ///< something to tell people went into the outbox
  notice_failed = 28,      ///< it could not be delivered for good
  step_reused = 29,        ///< a result came from the step cache
  opinion_asked = 30,      ///< a failed build is tried on another host
  blame_changed = 31,      ///< whose fault a failure is
  artifacts_dropped = 32,  ///< by retention
  host_joined = 33,        ///< by a token, for the first time
  host_stage_changed = 34, ///< probation, trusted, retired
  host_revoked = 35,       ///< its certificate holds no more
  host_misbehaved = 36,    ///< it asked for what is not its own; `text`: what
};

/// One entry of the farm's journal: what happened, in the order in which it became durable. What a
/// person did has `by`; what the farm decided by itself has its reason in `text`.
struct event_record {
  uint64_t sequence = 0; ///< from 1, without gaps; given by the recorder
  wall_time at;
  event_kind kind = event_kind::farm_started;
  build_id build;
  campaign_id campaign;
  std::string builder;
  host_name host;
  std::string step;
  attempt_number attempt;
  std::string state; ///< a build's, step's or host's, as people read it
  result outcome = result::none;
  std::string by;
  std::string text; ///< one sentence
  friend bool operator==(const event_record&, const event_record&) = default;
};

/// A configuration as it was in force; the last ones are kept.
struct config_record {
  uint64_t generation = 0; ///< from 1
  wall_time at;
  std::string by;
  std::string path;    ///< of the main file
  string_map files;    ///< path -> text, of the main file and of what it includes
  std::string summary; ///< what changed against the generation before, one line
  friend bool operator==(const config_record&, const config_record&) = default;
};

/// A key to the API over TCP. The token itself is not kept.
struct token_record {
  std::string id;     ///< short, for people: names it in lists and in the journal
  std::string sha256; ///< of the token, hex
  std::string name;   ///< whose it is
  std::string role;   ///< "view", "force", "admin", or "join" for hosts
  std::string made_by;
  wall_time made_at;
  wall_time expires_at;   ///< 0: never
  uint32_t uses_left = 0; ///< of "join"; it goes with the last
  string_map labels = {}; ///< of "join": what the host gets
  friend bool operator==(const token_record&, const token_record&) = default;
};

/// An account of a person, for pages and IRC. What it may do, the configuration says.
struct user_record {
  std::string name;
  std::string password; ///< argon2id, in libsodium's text form; empty: can't sign in by password
  std::string made_by;
  wall_time made_at;
  wall_time changed_at; ///< sessions from before it hold no more
  friend bool operator==(const user_record&, const user_record&) = default;
};

/// A browser that has signed in. The cookie itself is not kept.
struct session_record {
  std::string sha256; ///< of the cookie's value, hex
  std::string user;
  std::string csrf; ///< what forms of this session carry
  wall_time made_at;
  wall_time last_seen;
  wall_time expires_at;
  friend bool operator==(const session_record&, const session_record&) = default;
};

/// Something to tell people by one reporter, kept until it is delivered or given up.
enum class notice_state : uint8_t { waiting = 0, delivered = 1, failed = 2 };
/// Numbers are stored: never reuse one.
enum class notice_kind : uint8_t {
  problem = 1,     ///< a builder was green and is red
  recovery = 2,    ///< it is green again
  finished = 3,    ///< a campaign has all its answers
  quarantined = 4, ///< a host is out
  host_back = 5,   ///< it is in again
  test = 6,        ///< made by a person, to see whether it arrives
};

struct notice_record {
  uint64_t id = 0; ///< from 1, grows
  std::string reporter;
  notice_kind kind = notice_kind::problem;
  notice_state state = notice_state::waiting;
  uint64_t event = 0; ///< the journal's entry that it comes from
  build_id build;
  campaign_id campaign;
  host_name host;
  std::string builder;
  std::string thread;          ///< notices of one incident share it
  std::string subject;         ///< one line
  std::string text;            ///< for people, lines
  std::string payload;         ///< JSON, for programs
  std::vector<std::string> to; ///< addresses or channels
  uint32_t tries = 0;
  std::string last_error;
  wall_time made_at, next_try, done_at;
  friend bool operator==(const notice_record&, const notice_record&) = default;
};

/// A result in the step cache.
struct cache_record {
  std::string key;     ///< hex SHA-256 of all that went in
  std::string builder; ///< that made it
  std::string step;
  string_map parts;   ///< what went in, by name -> digest or value: tells what differed
  std::string sha256; ///< of the blob with outputs and log
  uint64_t size = 0;
  build_id build; ///< that it came from
  host_name host;
  int64_t took_ms = 0; ///< what a hit saves
  wall_time made_at, used_at;
  uint64_t uses = 0;
  friend bool operator==(const cache_record&, const cache_record&) = default;
};

// -- views for people --------------------------------------------------------------------------

/// What one actor says of itself (CONTRACT.md, `drover actors`).
struct actor_entry {
  std::string node; ///< "coordinator" or a host's name
  std::string name;
  std::string kind;
  std::string parent; ///< empty for a root
  std::string state;  ///< short: "running", "waiting for ..."
  uint32_t restarts = 0;
  int64_t uptime_ms = 0;
  std::string activity; ///< what it did last and how long ago, or that it does not answer
  friend bool operator==(const actor_entry&, const actor_entry&) = default;
};

struct host_view {
  host_record record;
  host_state state = host_state::lost;
  std::string reason;
  uint32_t slots_used = 0;
  int64_t last_seen_ms = -1; ///< silence so far; -1: never seen
  std::vector<attempt_id> attempts;
  friend bool operator==(const host_view&, const host_view&) = default;
};

/// Why a build that is not finished stands where it stands.
struct waiting_view {
  build_id build;
  build_state state = build_state::queued;
  std::string reason;
  std::vector<std::string> evidence; ///< one line each, the nearest miss first
  friend bool operator==(const waiting_view&, const waiting_view&) = default;
};

} // namespace drover
