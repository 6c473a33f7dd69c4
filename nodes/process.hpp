#pragma once
// Child programs: started by posix_spawn, watched by pidfd, reaped with the reason of their end.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace drover {

/// A file descriptor that is closed with its owner; -1: none.
class owned_fd {
public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_{fd} {}
  owned_fd(owned_fd&& other) noexcept : fd_{other.release()} {}
  owned_fd& operator=(owned_fd&& other) noexcept;
  ~owned_fd();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();

private:
  int fd_ = -1;
};

/// What to start. The child gets /dev/null as its input, default signal handling, no blocked
/// signals, the caller's environment, and a process group of its own, so that Ctrl-C on a terminal
/// reaches the parent alone.
struct program {
  std::vector<std::string> arguments; ///< the first one is the program's path
  std::string log;                    ///< file to which both outputs are added; empty: as ours
};

/// Starts `what`. That its file can't be executed is an error here, never a child that exits.
expected<pid_t> spawn(const program& what);

/// How a child ended.
struct child_end {
  pid_t pid = 0;
  int status = 0; ///< as of waitpid
  friend bool operator==(const child_end&, const child_end&) = default;
};

/// "exit code 3", "signal 9 (Killed)".
std::string describe(const child_end& end);

/// All children that have ended since the last call, without waiting. That includes orphans that a
/// subreaper inherited.
std::vector<child_end> reap();

/// Readable once the process has ended; works for processes that are not children. Invalid if
/// there is no such process.
owned_fd watch_process(pid_t pid);

/// Sends `signal`; a process that is gone is no error.
void send_signal(pid_t pid, int signal);

/// Orphaned descendants become children of this process, so that nothing is left behind unseen.
std::optional<failure> become_subreaper();

/// Whether processes can be that here: not where qemu runs this program of another architecture.
bool subreapers_work();

/// This process is killed as soon as its parent, `parent`, has ended; at once if it has already.
/// Survives exec, but not fork: what this process starts goes on.
std::optional<failure> end_with_parent(pid_t parent);

/// The folder of this process's own executable: its sister programs lie there.
std::string program_folder();

/// "what: reason of errno", as an error of the operating system.
failure system_failure(const std::string& what);

} // namespace drover
