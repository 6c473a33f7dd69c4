// SPDX-License-Identifier: Apache-2.0
#include "nodes/process.hpp"

#include "nodes/spawn_settings.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

extern char** environ;

namespace drover {

spawn_settings::spawn_settings() {
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

spawn_settings::~spawn_settings() {
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

owned_fd& owned_fd::operator=(owned_fd&& other) noexcept {
  if (this != &other) {
    owned_fd old{fd_};
    fd_ = other.release();
  }
  return *this;
}

owned_fd::~owned_fd() {
  if (fd_ >= 0)
    close(fd_);
}

int owned_fd::release() {
  auto fd = fd_;
  fd_ = -1;
  return fd;
}

failure system_failure(const std::string& what) {
  return {ec::io, what + ": " + std::generic_category().message(errno)};
}

expected<pid_t> spawn(const program& what) {
  if (what.arguments.empty())
    return failure{ec::internal, "a program without a name can't be started"};
  spawn_settings settings;
  if (!what.log.empty()) {
    posix_spawn_file_actions_addopen(&settings.actions, STDOUT_FILENO, what.log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&settings.actions, STDOUT_FILENO, STDERR_FILENO);
  }
  std::vector<char*> arguments;
  for (const auto& argument : what.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str())); // posix_spawn does not write to them
  arguments.push_back(nullptr);
  pid_t pid = 0;
  if (auto code = posix_spawn(&pid, arguments[0], &settings.actions, &settings.attributes,
                              arguments.data(), environ)) {
    errno = code;
    return system_failure("can't start " + what.arguments[0]);
  }
  return pid;
}

std::string describe(const child_end& end) {
  if (WIFSIGNALED(end.status)) {
    auto signal = WTERMSIG(end.status);
    const auto* name = sigdescr_np(signal);
    return "signal " + std::to_string(signal) + " (" + (name ? name : "unknown") + ")";
  }
  return "exit code " + std::to_string(WEXITSTATUS(end.status));
}

std::vector<child_end> reap() {
  std::vector<child_end> ended;
  for (;;) {
    child_end one;
    one.pid = waitpid(-1, &one.status, WNOHANG);
    if (one.pid > 0)
      ended.push_back(one);
    else if (one.pid == 0 || errno != EINTR)
      return ended; // none has ended, or there is none
  }
}

owned_fd watch_process(pid_t pid) {
  // glibc has a wrapper only since 2.36, and not in <unistd.h>.
  return owned_fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

void send_signal(pid_t pid, int signal) {
  if (pid > 0)
    kill(pid, signal);
}

std::optional<failure> become_subreaper() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return system_failure("can't become a subreaper");
  return std::nullopt;
}

bool subreapers_work() {
  int is_one = 0;
  return prctl(PR_GET_CHILD_SUBREAPER, &is_one) == 0;
}

std::optional<failure> end_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return system_failure("can't ask for a signal at the parent's end");
  // The parent may have ended before the call above: then nothing would come.
  if (getppid() != parent)
    return failure{ec::conflict, "the parent process is gone"};
  return std::nullopt;
}

std::string program_folder() {
  std::error_code problem;
  auto self = std::filesystem::read_symlink("/proc/self/exe", problem);
  return problem ? std::string{"."} : self.parent_path().string();
}

} // namespace drover
