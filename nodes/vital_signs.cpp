// SPDX-License-Identifier: Apache-2.0
#include "nodes/vital_signs.hpp"

#include "nodes/record_file.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

extern char** environ;

namespace drover {

namespace {

constexpr int look_ms = 20;

/// Compiles nothing into nothing; why that does not work, or empty.
std::string compiler_trouble() {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words{"gcc", "-x", "c", "-c", "-o", "/dev/null", "-"};
  std::vector<char*> arguments;
  for (auto& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int error = posix_spawnp(&pid, "gcc", &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    return std::string{"gcc can't be started: "} + std::strerror(error);
  int status = 0;
  for (int64_t waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited += look_ms) {
    if (waited > limits::probe_timeout.count()) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      return "gcc does not come to an end on an empty file";
    }
    poll(nullptr, 0, look_ms);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return {};
  return "gcc can't compile an empty file (status " + std::to_string(status) + ")";
}

} // namespace

std::optional<uint64_t> memory_in(const std::string& meminfo) {
  auto at = meminfo.find("MemAvailable:");
  if (at == std::string::npos)
    return std::nullopt;
  at = meminfo.find_first_of("0123456789", at);
  uint64_t kibibytes = 0;
  if (at == std::string::npos
      || std::from_chars(meminfo.data() + at, meminfo.data() + meminfo.size(), kibibytes).ec
           != std::errc{})
    return std::nullopt;
  return kibibytes * 1024;
}

core::vital_signs read_vital_signs(const std::string& state_folder, bool has_compiler) {
  core::vital_signs seen;
  struct statvfs disk {};
  if (statvfs(state_folder.c_str(), &disk) == 0) {
    seen.disk_free = uint64_t{disk.f_bavail} * disk.f_frsize;
    if (disk.f_files > 0) // some file systems have no bound of them
      seen.inodes_free = disk.f_favail;
  }
  if (auto text = read_whole("/proc/meminfo", limits::config_bytes_max))
    seen.memory_free = memory_in(*text);
  double load[1];
  if (getloadavg(load, 1) == 1)
    seen.load = load[0];
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) == 0)
    seen.cores = static_cast<uint32_t>(CPU_COUNT(&usable));
  if (has_compiler)
    seen.compiler_trouble = compiler_trouble();
  return seen;
}

} // namespace drover
