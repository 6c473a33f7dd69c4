// SPDX-License-Identifier: Apache-2.0
#include "nodes/leftovers.hpp"

#include "nodes/keeper/cgroup.hpp"
#include "schema/limits.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace drover {

namespace {

using steady = std::chrono::steady_clock;

bool has_token(int32_t pid, const std::string& variable) {
  auto environment =
    read_whole("/proc/" + std::to_string(pid) + "/environ", limits::spool_record_bytes_max);
  return environment && ('\0' + *environment).find('\0' + variable + '\0') != std::string::npos;
}

/// A session's number stays taken while it has members. So if its leader is there it must be ours,
/// and if it is not, the members can only be ours.
bool session_is_ours(const std::vector<process_entry>& table, const process_identity& leader) {
  return std::none_of(table.begin(), table.end(), [&](const process_entry& entry) {
    return entry.pid == leader.pid && entry.start_ticks != leader.start_ticks;
  });
}

std::vector<process_entry> leftovers(const std::optional<process_identity>& leader,
                                     const std::string& variable) {
  auto table = all_processes();
  bool by_session = leader && session_is_ours(table, *leader);
  std::set<int32_t> seen{getpid()};
  std::vector<process_entry> found;
  auto add = [&](const process_entry& entry) {
    if (!entry.zombie && seen.insert(entry.pid).second)
      found.push_back(entry);
  };
  for (const auto& entry : table)
    if ((by_session && entry.session == leader->pid)
        || (!entry.zombie && has_token(entry.pid, variable)))
      add(entry);
  for (size_t i = 0, roots = found.size(); i < roots; ++i)
    for (const auto& entry : descendants_of(table, found[i].pid))
      add(entry);
  return found;
}

/// Everybody in the attempt's control groups: those can't be left, whatever a process does to its
/// session, parents and environment. (A step that runs as root can leave any.)
expected<std::vector<process_entry>> kill_groups_of(const std::string& folder) {
  auto order = read_record(folder, spool_file::attempt, "order", &decode_order);
  if (!order)
    return std::vector<process_entry>{}; // without an order there was no command
  const auto& groups = (*order).cgroup;
  auto members = members_of(groups);
  if (!kill_groups(groups))
    return failure{ec::io, folder + ": can't kill what is left of the step: "
                             + name_processes(members_of(groups))};
  remove_groups(groups);
  return members;
}

void await_deaths(const std::vector<unique_fd>& handles, steady::time_point until) {
  for (const auto& handle : handles) {
    auto rest = std::chrono::ceil<milliseconds>(until - steady::now()).count();
    pollfd one{handle.get(), POLLIN, 0};
    if (handle && rest > 0)
      poll(&one, 1, static_cast<int>(rest));
  }
}

} // namespace

expected<std::vector<process_entry>> kill_leftovers(const std::string& folder,
                                                    const std::string& token_text) {
  auto killed = kill_groups_of(folder);
  if (!killed)
    return killed;
  auto keeper = read_record(folder, spool_file::keeper, "process", &decode_identity);
  if (!keeper || (*keeper).boot_id != current_boot_id())
    return killed;
  std::optional<process_identity> leader;
  if (auto start = read_record(folder, spool_file::keeper, "start", &decode_start))
    leader = (*start).command;
  auto variable = attempt_token_variable + ("=" + token_text);
  auto until = steady::now() + limits::kill_wait;
  while (true) {
    auto found = leftovers(leader, variable);
    if (found.empty())
      return killed;
    if (steady::now() >= until)
      return failure{ec::io,
                     folder + ": can't kill what is left of the step: " + name_processes(found)};
    std::vector<unique_fd> handles;
    for (const auto& entry : found)
      handles.push_back(signal_process(entry, SIGKILL));
    (*killed).insert((*killed).end(), found.begin(), found.end());
    await_deaths(handles, until);
  }
}

} // namespace drover
