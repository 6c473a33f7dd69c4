// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/cgroup.hpp"

#include "schema/limits.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

namespace drover {

namespace {

using steady = std::chrono::steady_clock;

/// The length of a period in which `cpus` are counted, in microseconds.
constexpr uint64_t cpu_period_us = 100'000;

bool there(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

/// Each folder of the plan once.
std::vector<std::string> folders_of(const cgroup_plan& plan) {
  std::vector<std::string> folders;
  for (const auto& folder : {plan.kill, plan.memory, plan.pids, plan.cpu})
    if (!folder.empty() && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  return folders;
}

/// The folder by which everybody is found and killed: all are in all of them.
std::string main_folder(const cgroup_plan& plan) {
  auto folders = folders_of(plan);
  return folders.empty() ? std::string{} : folders.front();
}

std::string text_of(const std::string& path) {
  auto text = read_whole(path, limits::config_bytes_max);
  return text ? *text : std::string{};
}

int put(const std::string& path, std::string_view value) {
  unique_fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file ? write_all(file.get(), value) : errno;
}

/// The number behind "key " in lines of that form, or the whole text's if `key` is empty.
uint64_t number_in(const std::string& text, const std::string& key) {
  auto at = key.empty() ? 0 : ("\n" + text).find("\n" + key + " ");
  if (at == std::string::npos)
    return 0;
  auto digits = std::string_view{text}.substr(key.empty() ? 0 : at + key.size() + 1);
  uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::vector<int32_t> pids_in(const std::string& folder) {
  std::vector<int32_t> pids;
  auto text = text_of(folder + "/cgroup.procs");
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    int32_t pid = 0;
    auto [rest, error] = std::from_chars(at, end, pid);
    if (error != std::errc{})
      break;
    if (pid > 0) // 0: of another pid namespace, which no step of ours is in
      pids.push_back(pid);
    at = rest + 1;
  }
  return pids;
}

/// One that is not there is empty.
bool is_empty(const std::string& folder) {
  auto events = read_whole(folder + "/cgroup.events", limits::value_bytes_max);
  if (events)
    return number_in(*events, "populated") == 0;
  return pids_in(folder).empty();
}

std::optional<failure> set(const std::string& folder, const char* file, const std::string& value) {
  auto path = folder + "/" + file;
  if (int error = put(path, value))
    return io_failure(path + ": can't be set to " + value, error);
  return std::nullopt;
}

std::optional<failure> limit_memory(const std::string& folder, uint64_t bytes) {
  auto value = std::to_string(bytes);
  if (there(folder + "/memory.max")) {
    // Not every kernel counts swap; what can't be bounded is not there to be used.
    put(folder + "/memory.swap.max", "0");
    put(folder + "/memory.oom.group", "1");
    return set(folder, "memory.max", value);
  }
  auto problem = set(folder, "memory.limit_in_bytes", value);
  put(folder + "/memory.memsw.limit_in_bytes", value);
  return problem;
}

std::optional<failure> limit_cpus(const std::string& folder, uint32_t cpus) {
  auto quota = std::to_string(cpus * cpu_period_us);
  auto period = std::to_string(cpu_period_us);
  if (there(folder + "/cpu.max"))
    return set(folder, "cpu.max", quota + " " + period);
  if (auto problem = set(folder, "cpu.cfs_period_us", period))
    return problem;
  return set(folder, "cpu.cfs_quota_us", quota);
}

std::optional<failure> set_limits(const cgroup_plan& plan, const step_limits& limits) {
  std::optional<failure> problem;
  if (limits.memory > 0 && !plan.memory.empty())
    problem = limit_memory(plan.memory, limits.memory);
  if (!problem && limits.pids > 0 && !plan.pids.empty())
    problem = set(plan.pids, "pids.max", std::to_string(limits.pids));
  if (!problem && limits.cpus > 0 && !plan.cpu.empty())
    problem = limit_cpus(plan.cpu, limits.cpus);
  return problem;
}

/// The file by which a process moves itself in: where there is a choice, the one for a single
/// thread. For the other one the kernel first waits some 15 ms, until each processor has passed by.
unique_fd open_door(const std::string& folder) {
  unique_fd version_1{open((folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC)};
  if (version_1 || errno != ENOENT)
    return version_1;
  return unique_fd{open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
}

/// With the folder around it, which an agent that stopped just now may have removed.
bool make_folder(const std::string& path) {
  auto made = [&] { return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST; };
  if (made())
    return true;
  return errno == ENOENT && mkdir(path.substr(0, path.rfind('/')).c_str(), 0755) == 0 && made();
}

const char* memory_events(bool v2) {
  return v2 ? "/memory.events" : "/memory.oom_control";
}

void freeze(const std::string& folder, bool on) {
  // One of the two is there; without either, killing goes by rounds alone.
  put(folder + "/cgroup.freeze", on ? "1" : "0");
  put(folder + "/freezer.state", on ? "FROZEN" : "THAWED");
}

} // namespace

cgroup_plan groups_of(const cgroup_plan& base, const std::string& name) {
  auto below = [&](const std::string& folder) {
    return folder.empty() ? std::string{} : folder + "/" + name;
  };
  return {below(base.kill), below(base.memory), below(base.pids), below(base.cpu)};
}

bool groups_exist(const cgroup_plan& plan) {
  auto folders = folders_of(plan);
  return std::any_of(folders.begin(), folders.end(), there);
}

std::vector<std::string> groups_in(const cgroup_plan& base) {
  std::set<std::string> names;
  for (const auto& folder : folders_of(base)) {
    DIR* stream = opendir(folder.c_str());
    while (auto* entry = stream ? readdir(stream) : nullptr)
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
        names.insert(entry->d_name);
    if (stream)
      closedir(stream);
  }
  return {names.begin(), names.end()};
}

std::vector<process_entry> members_of(const cgroup_plan& plan) {
  std::vector<process_entry> members;
  for (auto pid : pids_in(main_folder(plan)))
    if (auto entry = find_process(pid); entry && !entry->zombie)
      members.push_back(*std::move(entry));
  return members;
}

void kill_groups_once(const cgroup_plan& plan) {
  auto folder = main_folder(plan);
  if (folder.empty() || put(folder + "/cgroup.kill", "1") == 0)
    return;
  // While they are frozen nobody is born and no number changes hands.
  freeze(folder, true);
  for (auto pid : pids_in(folder))
    ::kill(pid, SIGKILL);
  freeze(folder, false);
}

bool kill_groups(const cgroup_plan& plan) {
  auto folder = main_folder(plan);
  auto until = steady::now() + limits::cgroup_empty_wait;
  while (!folder.empty() && !is_empty(folder)) {
    if (steady::now() >= until)
      return false;
    kill_groups_once(plan);
    if (!is_empty(folder))
      poll(nullptr, 0, static_cast<int>(limits::cgroup_look.count()));
  }
  return true;
}

bool remove_groups(const cgroup_plan& plan) {
  auto until = steady::now() + limits::cgroup_empty_wait;
  bool all = true;
  for (const auto& folder : folders_of(plan)) {
    // A process that is dead may still be on its way out.
    bool gone = false;
    while (!(gone = rmdir(folder.c_str()) == 0 || errno == ENOENT) && errno == EBUSY
           && steady::now() < until)
      poll(nullptr, 0, static_cast<int>(limits::cgroup_look.count()));
    all = all && gone;
  }
  return all;
}

void leave_cgroups(const cgroup_plan& base) {
  for (const auto& folder : folders_of(base))
    rmdir(folder.c_str()); // fails, as it must, while a keeper has groups in it
  if (auto folder = base.kill; !folder.empty() && !there(folder))
    come_back(folder.substr(0, folder.rfind('/')));
}

group_counters counters_of(const cgroup_plan& plan) {
  group_counters counters;
  if (!plan.memory.empty()) {
    // To look for a file that is not there costs as much as to read one.
    bool v2 = plan.memory == plan.kill;
    auto text = text_of(plan.memory + memory_events(v2));
    if (text.empty())
      text = text_of(plan.memory + memory_events(v2 = !v2));
    counters.memory_kills = number_in(text, "oom_kill");
    auto peak = text_of(plan.memory + (v2 ? "/memory.peak" : "/memory.max_usage_in_bytes"));
    counters.memory_peak = number_in(peak, "");
  }
  if (!plan.pids.empty()) {
    counters.pids_refused = number_in(text_of(plan.pids + "/pids.events"), "max");
    counters.pids_peak = static_cast<uint32_t>(number_in(text_of(plan.pids + "/pids.peak"), ""));
  }
  auto cpu = plan.kill.empty() ? std::string{} : text_of(plan.kill + "/cpu.stat");
  if (cpu.find("user_usec") != std::string::npos) {
    counters.user = milliseconds{number_in(cpu, "user_usec") / 1000};
    counters.system = milliseconds{number_in(cpu, "system_usec") / 1000};
  }
  return counters;
}

expected<step_groups> step_groups::make(const cgroup_plan& plan, const step_limits& limits) {
  step_groups groups;
  auto first = main_folder(plan);
  for (const auto& folder : folders_of(plan)) {
    if (!make_folder(folder))
      return io_failure(folder + ": can't make the step's cgroup", errno);
    if (folder == first && groups.take_birthplace(folder))
      continue;
    auto door = open_door(folder);
    if (!door)
      return io_failure(folder + ": can't enter the step's cgroup", errno);
    groups.doors_.push_back(std::move(door));
  }
  if (auto problem = set_limits(plan, limits))
    return *problem;
  return groups;
}

/// Of version 2 alone; its door is opened only by who was not born there.
bool step_groups::take_birthplace(const std::string& folder) {
  if (!there(folder + "/cgroup.kill"))
    return false;
  birthplace_ = unique_fd{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return static_cast<bool>(birthplace_);
}

bool step_groups::enter(birth where) const {
  auto go_in = [](int door) { return write(door, "0", 1) == 1; };
  if (birthplace_ && where != birth::in_birthplace) {
    unique_fd door{openat(birthplace_.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC)};
    if (!door || !go_in(door.get()))
      return false;
  }
  return std::all_of(doors_.begin(), doors_.end(),
                     [&](const unique_fd& door) { return go_in(door.get()); });
}

} // namespace drover
