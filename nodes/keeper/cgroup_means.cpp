// Finds out by trying what this machine's control groups can do for steps.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/cgroup.hpp"
#include "schema/limits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

namespace drover {

namespace {

constexpr auto agent_group = "drover-agent";

struct hierarchy {
  std::string mount;   ///< where it is mounted
  std::string root;    ///< which of its groups is shown there
  std::string options; ///< "rw,memory": of version 1, with its controllers
  bool unified = false;
};

bool there(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

bool has_word(const std::string& list, const std::string& word, char between) {
  return (between + list + between).find(between + word + between) != std::string::npos;
}

std::string first_line(const std::string& path) {
  auto text = read_whole(path, limits::value_bytes_max);
  return text ? (*text).substr(0, (*text).find('\n')) : std::string{};
}

bool put(const std::string& path, std::string_view value) {
  unique_fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file && write_all(file.get(), value) == 0;
}

/// Of /proc/self/mountinfo: "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw".
std::vector<hierarchy> mounted_hierarchies() {
  std::vector<hierarchy> found;
  auto text = read_whole("/proc/self/mountinfo", limits::config_bytes_max);
  std::istringstream lines{text ? *text : std::string{}};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string word, type, source;
    hierarchy one;
    words >> word >> word >> word >> one.root >> one.mount;
    while (words >> word && word != "-")
      continue;
    words >> type >> source >> one.options;
    one.unified = type == "cgroup2";
    if (one.unified || type == "cgroup")
      found.push_back(std::move(one));
  }
  return found;
}

/// This process's own group of the version 1 controller, or of version 2 if it is empty.
std::string own_group(const std::string& controller) {
  auto text = read_whole("/proc/self/cgroup", limits::config_bytes_max);
  std::istringstream lines{text ? *text : std::string{}};
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    auto names = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty() : has_word(names, controller, ','))
      return line.substr(second + 1);
  }
  return {};
}

/// Where that group's folder is; empty if it is not below what is mounted.
std::string folder_of(const hierarchy& where, const std::string& group) {
  auto below = group;
  if (where.root != "/") {
    if (!group.starts_with(where.root))
      return {};
    below = group.substr(where.root.size());
  }
  auto folder = where.mount + (below == "/" ? "" : below);
  return !group.empty() && there(folder) ? folder : std::string{};
}

bool make_folder(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

/// Whether a group with that file can be made in `base`, and a process may be put into it.
bool works(const std::string& base, const char* file) {
  auto probe = base + "/probe";
  if (!make_folder(probe))
    return false;
  bool usable = access((probe + "/" + file).c_str(), W_OK) == 0
                && access((probe + "/cgroup.procs").c_str(), W_OK) == 0;
  rmdir(probe.c_str());
  return usable;
}

/// Hands the controllers that are there down to groups in `folder`.
bool hand_down(const std::string& folder) {
  bool all = true;
  auto offered = first_line(folder + "/cgroup.controllers");
  for (const char* controller : {"memory", "pids", "cpu"})
    if (has_word(offered, controller, ' ')
        && !has_word(first_line(folder + "/cgroup.subtree_control"), controller, ' '))
      all = put(folder + "/cgroup.subtree_control", std::string{"+"} + controller) && all;
  return all;
}

/// The parent's number if it is the same program as this one: then both make way.
pid_t twin_parent() {
  struct stat ours {
  }, parents{};
  auto path = "/proc/" + std::to_string(getppid()) + "/exe";
  bool same = stat("/proc/self/exe", &ours) == 0 && stat(path.c_str(), &parents) == 0
              && ours.st_ino == parents.st_ino && ours.st_dev == parents.st_dev;
  return same ? getppid() : 0;
}

/// v2: no process may be in a group that hands controllers down, except in the very root.
void make_way(const std::string& own) {
  auto aside = own + "/" + agent_group;
  if (!make_folder(aside))
    return;
  auto parent = twin_parent();
  auto move = [&](const std::string& to) {
    put(to + "/cgroup.procs", std::to_string(getpid()));
    if (parent > 0)
      put(to + "/cgroup.procs", std::to_string(parent));
  };
  move(aside);
  if (hand_down(own))
    return;
  move(own); // others are in it as well: it is not ours to rearrange
  rmdir(aside.c_str());
}

/// Another agent's groups or a step's below `own`.
bool others_are_below(const std::string& own) {
  cgroup_plan all;
  all.kill = own;
  auto names = groups_in(all);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name != agent_group; });
}

/// Takes what version 2 offers.
void open_unified(const hierarchy& where, const std::string& tag, cgroup_plan& base) {
  auto own = folder_of(where, own_group(""));
  // An agent that was here before may have made way already.
  if (auto tail = std::string{"/"} + agent_group; own.ends_with(tail))
    own.resize(own.size() - tail.size());
  if (own.empty())
    return;
  auto folder = own + "/drover-" + tag;
  if (!make_folder(folder))
    return;
  if (!hand_down(own))
    make_way(own);
  hand_down(folder);
  if (works(folder, "cgroup.kill") || works(folder, "cgroup.freeze"))
    base.kill = folder;
  if (works(folder, "memory.max"))
    base.memory = folder;
  if (works(folder, "pids.max"))
    base.pids = folder;
  if (works(folder, "cpu.max"))
    base.cpu = folder;
  if (base.kill.empty())
    rmdir(folder.c_str());
}

void open_legacy(const hierarchy& where, const std::string& tag, cgroup_plan& base) {
  struct purpose {
    const char* controller;
    const char* file;
    std::string& folder;
  };
  for (const auto& [controller, file, folder] :
       {purpose{"memory", "memory.limit_in_bytes", base.memory},
        purpose{"pids", "pids.max", base.pids}, purpose{"cpu", "cpu.cfs_quota_us", base.cpu},
        purpose{"freezer", "freezer.state", base.kill}}) {
    if (!folder.empty() || !has_word(where.options, controller, ','))
      continue;
    auto own = folder_of(where, own_group(controller));
    auto mine = own + "/drover-" + tag;
    if (own.empty() || !make_folder(mine))
      continue;
    if (works(mine, file))
      folder = mine;
    else
      rmdir(mine.c_str());
  }
}

} // namespace

void come_back(const std::string& own) {
  auto aside = own + "/" + agent_group;
  if (!there(aside) || others_are_below(own))
    return;
  // While it hands controllers down no process may be in it.
  for (const char* controller : {"memory", "pids", "cpu"})
    put(own + "/cgroup.subtree_control", std::string{"-"} + controller);
  if (auto parent = twin_parent(); parent > 0)
    put(own + "/cgroup.procs", std::to_string(parent));
  put(own + "/cgroup.procs", std::to_string(getpid()));
  rmdir(aside.c_str()); // fails while another agent is in it
}

cgroup_means open_cgroups(const std::string& tag, cgroup_choice choice) {
  cgroup_means means;
  if (choice == cgroup_choice::none)
    return means;
  auto mounts = mounted_hierarchies();
  for (const auto& one : mounts)
    if (one.unified && means.base.kill.empty())
      open_unified(one, tag, means.base);
  bool kills = !means.base.kill.empty();
  auto limited = [&] {
    const auto& base = means.base;
    return int{!base.memory.empty()} + int{!base.pids.empty()} + int{!base.cpu.empty()};
  };
  int unified_limits = limited();
  for (const auto& one : mounts)
    if (!one.unified)
      open_legacy(one, tag, means.base);
  bool legacy = limited() > unified_limits || (!kills && !means.base.kill.empty());
  if (kills)
    means.kind = legacy ? "v1 and v2" : unified_limits > 0 ? "v2" : "v2 without controllers";
  else if (legacy)
    means.kind = "v1";
  return means;
}

} // namespace drover
