#pragma once
// The programs of a farm under `drover up`: started, watched, started again when they die, stopped.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/restart_budget.hpp"
#include "nodes/process.hpp"
#include "tools/drover/up_folder.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace drover::cli {

/// Decides when a program that has just died starts again: soon at first, later when it keeps
/// dying, and never oftener than the limits of a period allow. `jitter` is in [0, 1).
std::chrono::milliseconds restart_delay(core::restart_history& history, int64_t now_ms,
                                        double jitter);

/// Runs a fixed set of programs. One thread; all calls come from it.
class program_set {
public:
  /// `say` gets one line for each event that a person may want to know of.
  program_set(farm_folder farm, std::function<void(const std::string&)> say);

  /// Starts `name`; its arguments begin with the program's path. It is started again whenever it
  /// dies, until `stop`.
  std::optional<failure> add(const std::string& name, std::vector<std::string> arguments);

  /// Reaps what has ended (orphans too) and plans restarts; call it on SIGCHLD.
  void children_ended();
  /// Starts what is due.
  void start_due();
  /// How long until something is due; nothing: nothing is planned.
  std::optional<std::chrono::milliseconds> next_due() const;

  /// Deaths of `name` so far.
  uint32_t deaths(const std::string& name) const;

  /// Asks all programs to stop; from now on none is started again.
  void ask_to_stop();
  /// Kills those that did not.
  void kill_rest();
  bool any_running() const;

private:
  struct entry {
    std::string name;
    program what;
    pid_t pid = 0; ///< 0: does not run
    uint32_t deaths = 0;
    core::restart_history history;
    std::optional<int64_t> due_ms;
  };

  std::optional<failure> start(entry& one);
  void ended(entry& one, const child_end& end);

  farm_folder farm_;
  std::function<void(const std::string&)> say_;
  std::vector<entry> entries_;
  std::minstd_rand chance_;
  bool stopping_ = false;
};

} // namespace drover::cli
