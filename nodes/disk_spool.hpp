#pragma once
// The spool on a disk and its keepers as processes: the real spool_port.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "nodes/attempt_folders.hpp"
#include "nodes/fresh_attempts.hpp"
#include "nodes/keeper/cgroup.hpp"
#include "nodes/keeper_starter.hpp"
#include "nodes/keeper_watcher.hpp"
#include "nodes/spool_folder.hpp"

namespace drover {

/// Callbacks of `watch` come from the watcher's thread, or from the caller's if the keeper is gone
/// already. May be called from any thread, one at a time for each attempt.
class disk_spool : public spool_port {
public:
  /// Takes over what an earlier agent left in `root`; removes what a crash left half written, and
  /// ends what still runs in groups below `groups` though its attempt is over. Nobody else may look
  /// into `root`. Throws std::runtime_error if the folder can't be used.
  disk_spool(std::string root, std::string keeper_program, cgroup_plan groups = {});

  std::optional<failure> enter(const assignment& work) override;
  std::optional<failure> start(const keeper_order& order) override;
  void watch(const grant_token& token, std::function<void()> gone) override;
  void cancel(const grant_token& token, const std::string& reason) override;
  void renew_lease(const grant_token& token, milliseconds left) override;
  std::optional<keeper_exit> exit_of(const grant_token& token) const override;
  /// Finds what is left by the attempt's control groups, by the command's session and by the token
  /// in environments, with all descendants of those. Without groups that is no proof: a process
  /// that left the session, cleared its environment and lost its parents is not found. (While the
  /// keeper lives it finds those too.)
  std::optional<failure> close(const grant_token& token, const keeper_exit& account) override;
  uint64_t log_size(const grant_token& token) const override;
  expected<std::string> read_log(const grant_token& token, uint64_t offset,
                                 size_t max) const override;
  std::vector<spooled_attempt> list() const override;
  std::optional<spooled_attempt> find(const grant_token& token) const override;
  bool is_confirmed(const grant_token& token) const override {
    return kept_.holds(folder_name(token)) // only what is confirmed lies there
           || spool_port::is_confirmed(token);
  }
  void confirm(const grant_token& token, wall_time now) override;
  void forget(const grant_token& token) override;

  /// Where the attempt's folder is, for people and tests.
  std::string folder_of(const grant_token& token) const;

private:
  /// Of a file of the attempt `name`, wherever that is kept.
  expected<std::string> records_of(const std::string& name, const char* file) const;
  void sweep() const;
  void sweep_groups() const;
  struct folder_entry {
    spooled_attempt attempt;
    int64_t entered_ns = 0;
  };
  expected<folder_entry> read_folder(const std::string& name) const;
  std::optional<failure> why_not_to_start(const std::string& name) const;
  std::optional<failure> launch(const std::string& folder, const std::string& name);
  bool watch_stranger(const std::string& folder, const std::string& name);

  std::string root_;
  std::string boot_id_;
  cgroup_plan groups_;
  attempt_folders folders_;
  kept_attempts kept_;
  /// Entered by this process, without a keeper so far: their folders need not be looked into.
  fresh_attempts fresh_;
  keeper_starter starter_;
  keeper_watcher watcher_;
};

} // namespace drover
