#pragma once
// Keeps one running command: output into the log, limits, cancel, and nobody left at the end.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/command.hpp"
#include "nodes/keeper/process_table.hpp"
#include "nodes/keeper/step_log.hpp"
#include "nodes/keeper/usage_watch.hpp"
#include "nodes/keeper/watchdog.hpp"

namespace drover {

/// Needs a process that is single-threaded, a subreaper, and blocks the signals of
/// `keeper_signals`. One object, one run.
class step_keeper {
public:
  /// `records`: the file of the folder to which the command's start is appended.
  step_keeper(std::string folder, int records) : folder_{std::move(folder)}, records_{records} {}

  /// Runs the order to its end; every process of it is dead then, its log is synced if the account
  /// is one that `outlives_power`.
  keeper_exit run(const keeper_order& order);
  /// For the way out after an exception: kills and reaps whatever was started.
  void kill_everybody();

private:
  std::optional<failure> open_files();
  std::optional<std::string> cancel_reason() const;
  expected<running_command> begin(const keeper_order& order);
  std::optional<failure> tell_start(wall_time at);
  void watch_over(watchdog& dog);
  void look_at_usage(watchdog& dog);
  void look_at_lease(watchdog& dog);
  void end_groups();
  void take_output(watchdog& dog);
  bool take_piece(watchdog& dog);
  void take_signals(watchdog& dog);
  void reap(watchdog& dog);
  void obey(urge what);
  void arm_timer(const watchdog& dog);
  bool kill_round();
  std::string describe_killed(const watchdog& dog) const;
  void write_log(watchdog& dog, size_t bytes);

  std::string folder_;
  int records_;
  watch_limits limits_;
  cgroup_plan groups_;
  milliseconds lease_{0};
  std::optional<usage_watch> usage_;
  resource_usage used_;
  running_command command_;
  step_log log_;
  unique_fd signals_, timer_;
  uint64_t printed_bytes_ = 0;
  std::vector<process_entry> killed_;
};

/// Blocks the signals that a keeper takes by descriptor.
void block_keeper_signals();

} // namespace drover
