#pragma once
// Control groups of steps, by plain files of either version: what is usable here, one group for
// each attempt, everybody in it killed at once.
//
// A machine may offer version 2, version 1, both (then each purpose takes what works) or none.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/process_table.hpp"
#include "schema/keeper.hpp"

namespace drover {

enum class cgroup_choice { best, none };

/// What was found out by trying.
struct cgroup_means {
  cgroup_plan base; ///< folders in which groups of attempts are made; empty where there is no means
  /// "v2", "v2 without controllers", "v1", "v1 and v2", "none": for people and requirements.
  std::string kind = "none";
};

/// Finds out what this process may do and makes the base folders, named by `tag`. May move this
/// process into a group of its own beside them, since v2 wants no process above groups with limits.
cgroup_means open_cgroups(const std::string& tag, cgroup_choice choice = cgroup_choice::best);

/// The groups of the attempt `name`.
cgroup_plan groups_of(const cgroup_plan& base, const std::string& name);
/// Whether any group of the plan is there.
bool groups_exist(const cgroup_plan& plan);
/// Names of attempts that have groups in `base`.
std::vector<std::string> groups_in(const cgroup_plan& base);

/// Everybody who is in a group of the plan; names are as the processes call themselves.
std::vector<process_entry> members_of(const cgroup_plan& plan);
/// Kills everybody in the groups, those who are born meanwhile too. False if somebody is left once
/// limits::cgroup_empty_wait is over.
bool kill_groups(const cgroup_plan& plan);
/// Sends KILL to everybody in the groups, once.
void kill_groups_once(const cgroup_plan& plan);
/// Removes the groups, which must be empty. False if one stays.
bool remove_groups(const cgroup_plan& plan);

/// Removes the base folders in which no attempt has groups: for an agent that stops. If nobody else
/// has groups there either, the agent goes back to where it came from (`come_back`).
void leave_cgroups(const cgroup_plan& base);
/// Undoes what `open_cgroups` did in the group `own` of version 2: the agent, with the parent of
/// the same program, leaves the group beside those of steps, which is removed.
void come_back(const std::string& own);

/// What the groups of one attempt have counted.
struct group_counters {
  uint64_t memory_kills = 0; ///< processes killed at the memory limit
  uint64_t pids_refused = 0; ///< forks refused at the limit of processes
  uint64_t memory_peak = 0;
  uint32_t pids_peak = 0;
  std::optional<milliseconds> user, system;
};
group_counters counters_of(const cgroup_plan& plan);

/// The groups of an attempt while a command starts in them.
class step_groups {
public:
  /// Makes the groups and sets the limits for which they have the means.
  static expected<step_groups> make(const cgroup_plan& plan, const step_limits& limits);
  enum class birth : uint8_t { elsewhere, in_birthplace };

  /// A folder's descriptor by which a process can be born in the first of its groups, without the
  /// wait that moving one in costs; -1: that one is of version 1.
  int birthplace() const { return birthplace_.get(); }
  /// Moves the calling process, which has one thread, into those groups that it was not born in;
  /// false with errno if that fails. Safe between fork and exec.
  bool enter(birth where) const;

private:
  bool take_birthplace(const std::string& folder);

  std::vector<unique_fd> doors_; ///< but the birthplace's
  unique_fd birthplace_;
};

} // namespace drover
