#pragma once
// What a host's agent orders of a keeper and what the keeper answers, as plain values: the keeper
// program links nothing but the standard library, so they stand apart from actors/ports.hpp.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

namespace drover {

/// The control groups of one attempt: folders that its keeper makes, one for each purpose. Several
/// may be the same; empty: this host has no means for that.
struct cgroup_plan {
  std::string kill;   ///< a group of v2 with cgroup.kill, or of v1's freezer
  std::string memory; ///< where memory is counted and bounded
  std::string pids;
  std::string cpu;
  friend bool operator==(const cgroup_plan&, const cgroup_plan&) = default;
};

/// What a keeper needs to run one attempt. It is written to the attempt's folder before the keeper
/// starts, so that the keeper needs nobody. Of the durations and the log's bound, 0 means the
/// default of schema/limits.hpp.
struct keeper_order {
  grant_token token;
  std::string builder; ///< with `step`, for process titles and for people who look at the folder
  std::string step;
  std::string run;       ///< a script for /bin/sh -c
  string_map env;        ///< the whole environment
  std::string workspace; ///< working directory
  milliseconds timeout{0};
  milliseconds silence{0};
  milliseconds grace{0};
  uint64_t log_bytes_max = 0;
  step_limits limits = {};
  bool sandbox = false;
  bool pty = false; ///< standard output and error are a terminal
  /// The user and group that the command gets; 0: those of the keeper.
  uint32_t user = 0;
  uint32_t group = 0;
  /// How long the command may run on without a renewal (`spool_port::renew_lease`); 0: for ever.
  milliseconds lease{0};
  std::vector<std::string> disk_folders = {}; ///< what `limits.disk` counts
  std::string outputs = {}; ///< folder of $DROVER_OUT; empty: nothing is to be said of it
  cgroup_plan cgroup = {};
  friend bool operator==(const keeper_order&, const keeper_order&) = default;
};

/// What a keeper leaves behind once its step is over (written, synced, renamed into place).
struct keeper_exit {
  result outcome = result::none; ///< success failure timeout cancelled exception
  int32_t exit_code = -1;
  std::string reason; ///< empty for success; else one sentence that names the limit or the signal
  wall_time started_at, finished_at;
  std::string leftovers = {}; ///< what had to be killed at the end, for people; empty: nothing
  resource_usage usage = {};
  bool out_empty = false; ///< it passed, and nothing lay in $DROVER_OUT then; false: not known
  friend bool operator==(const keeper_exit&, const keeper_exit&) = default;
};

} // namespace drover
