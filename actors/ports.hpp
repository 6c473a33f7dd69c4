#pragma once
// The outside as actors see it: wall time, processes, disks, connections. Real ones live in nodes/
// and actors/edge/, fakes in tests/sim/. Actors call a port, never the operating system.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/workspace_care.hpp"
#include "actors/types.hpp"
#include "schema/keeper.hpp"
#include "schema/test_case.hpp"

#include <functional>
#include <memory>

namespace drover {

/// Wall time for records and people; decisions use the actor's own clock.
using wall_clock = std::function<wall_time()>;

/// An attempt in the spool, as found at the agent's start or asked for later.
struct spooled_attempt {
  assignment work; ///< as first received
  bool keeper_alive = false;
  bool confirmed = false; ///< its result is durable at the coordinator
  wall_time confirmed_at;
  bool keeper_started = false; ///< now or before: it is never started again
  friend bool operator==(const spooled_attempt&, const spooled_attempt&) = default;
};

/// The spool and the keepers of one host. One folder an attempt; what is in it survives the agent.
/// Calls are quick (a few system calls); they come from any thread, one at a time for each attempt.
class spool_port {
public:
  virtual ~spool_port() = default;

  /// Remembers the assignment durably. Known already: no error, nothing changes.
  virtual std::optional<failure> enter(const assignment& work) = 0;
  /// Starts the keeper of an entered attempt. A second start of one attempt is an error.
  virtual std::optional<failure> start(const keeper_order& order) = 0;
  /// Calls `gone` once, from any thread, when the attempt's keeper has ended in whatever way; at
  /// once if it is not alive. For keepers started by an earlier agent too.
  virtual void watch(const grant_token& token, std::function<void()> gone) = 0;
  /// Makes the keeper end its step: TERM, grace, KILL, an exit that says `cancelled` and `reason`.
  virtual void cancel(const grant_token& token, const std::string& reason) = 0;
  /// The attempt may run on for `left` from now on; see `keeper_order::lease`.
  virtual void renew_lease(const grant_token& /*token*/, milliseconds /*left*/) {}
  /// The keeper's own account, once there is one.
  virtual std::optional<keeper_exit> exit_of(const grant_token& token) const = 0;
  /// For an attempt that ended without a keeper, or whose keeper died: kills every process that is
  /// left of the step, then records `account` as its exit, durably.
  virtual std::optional<failure> close(const grant_token& token, const keeper_exit& account) = 0;

  virtual uint64_t log_size(const grant_token& token) const = 0;
  virtual expected<std::string> read_log(const grant_token& token, uint64_t offset,
                                         size_t max) const = 0;

  /// All attempts in the spool, oldest first.
  virtual std::vector<spooled_attempt> list() const = 0;
  virtual std::optional<spooled_attempt> find(const grant_token& token) const = 0;
  /// Whether that is known: then `confirm` was called for it.
  virtual bool is_confirmed(const grant_token& token) const {
    auto found = find(token);
    return found && found->confirmed;
  }
  /// The result is durable at the coordinator.
  virtual void confirm(const grant_token& token, wall_time now) = 0;
  /// Removes a confirmed attempt's folder.
  virtual void forget(const grant_token& token) = 0;
};

/// The folders in which builds of one host work. Calls may take long (unpacking, hashing): only the
/// workspace actor makes them, which runs on its own thread in real programs.
class workspace_port {
public:
  virtual ~workspace_port() = default;

  /// Makes the workspace's folders; no error if they are there. An answer that is remembered for
  /// this place is forgotten: another build has begun there.
  virtual expected<prepared> make(build_id build, uint32_t placement) = 0;
  /// Whether `install_source` has been done for this workspace.
  virtual bool has_source(build_id build, uint32_t placement) const = 0;
  /// Bytes of the source that are here already; downloads go on from there.
  virtual uint64_t source_bytes(const source_ref& source) const = 0;
  /// Adds a piece of a download; `offset` is where it belongs and must be `source_bytes`.
  virtual std::optional<failure> add_source(const source_ref& source, uint64_t offset,
                                            std::string_view bytes) = 0;
  /// Checks the whole download's SHA-256 and unpacks it into the workspace (a single top folder is
  /// stripped; a file that is no archive is put there under its own name). A wrong digest drops the
  /// download.
  virtual std::optional<failure> install_source(build_id build, uint32_t placement,
                                                const source_ref& source) = 0;
  /// Files under the outputs folder, and files of the workspace that match `globs`.
  virtual expected<std::vector<artifact_ref>> collect(build_id build, uint32_t placement,
                                                      const std::vector<std::string>& globs) = 0;
  virtual expected<std::string> read_artifact(build_id build, uint32_t placement,
                                              const artifact_ref& artifact, uint64_t offset,
                                              size_t max) = 0;
  /// Removes the workspace and all in it; no error if it is not there. One that is kept for people
  /// stays.
  virtual std::optional<failure> remove(build_id build, uint32_t placement) = 0;
  /// Keeps the answer to a `close_build` durably, beside the workspace, so that it can be given
  /// again after a restart; the last limits::closed_builds_kept of them are kept.
  virtual std::optional<failure> remember_answer(const build_closed& answer) = 0;
  virtual std::optional<build_closed> answer_of(build_id build, uint32_t placement) const = 0;

  /// Workspaces that were made and neither removed nor kept for people, oldest first, at most
  /// limits::workspaces_told_max. Quick, and from any thread.
  virtual std::vector<workspace_id> held() const { return {}; }
  /// Keeps the workspace of a failed build for people to look at, instead of removing it: `builder`
  /// and `why` are noted with it. No error if it is kept already.
  virtual std::optional<failure> keep(build_id build, uint32_t placement,
                                      const std::string& /*builder*/, const std::string& /*why*/) {
    return remove(build, placement);
  }
  /// The disk that the workspaces are on. Quick.
  virtual core::disk_room room() const { return {}; }
  /// What may go when space is needed: downloads kept for later builds, and kept workspaces.
  virtual std::vector<core::spare> spares() const { return {}; }
  virtual std::optional<failure> drop(const core::spare& /*what*/) { return std::nullopt; }
};

/// Something new at a source, its content in a file on the coordinator's machine.
struct found_change {
  change_record change;      ///< without id, digest and size; `identity` and `ref.id` are set
  std::string file;          ///< the content: a tarball, or a revision's tree as an archive
  bool is_temporary = false; ///< the file is to be removed once it is stored
};

/// What a look at a source found, oldest first, and where the next one goes on.
struct source_look {
  std::vector<found_change> found;
  string_map cursor;
};

/// The outside where changes come from: folders, indexes, repositories. Calls may take long
/// (network, other programs): a source's actor makes them on its own thread.
class source_port {
public:
  virtual ~source_port() = default;

  /// Looks for changes that `is_known` does not know. An error is one sentence for people: what
  /// could not be reached, and why.
  virtual expected<source_look>
  look(const source_spec& source, const string_map& cursor,
       const std::function<bool(const std::string& identity)>& is_known) = 0;
  /// Up to `max` bytes of a found file from `offset`; empty at its end.
  virtual expected<std::string> read(const std::string& file, uint64_t offset, size_t max) = 0;
  virtual void discard(const std::string& file) = 0;
};

/// Reads one report file (JUnit XML) whole; an error says where and what is wrong with it.
using report_reader =
  std::function<expected<test_report>(const std::string& name, std::string_view bytes)>;

/// Begins one try to reach the coordinator: ends in `connected` or `not_connected` to the agent.
using connector = std::function<void(const hello& greeting, const host_agent_actor& agent)>;

} // namespace drover
