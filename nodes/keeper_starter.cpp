// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper_starter.hpp"

#include "nodes/attempt_folders.hpp"
#include "nodes/keeper/nursery.hpp"
#include "nodes/spawn_settings.hpp"
#include "schema/limits_keeper.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace drover {

namespace {

/// In a session of its own. Never fork: the agent may be big. `input`: its standard input; -1:
/// none.
expected<pid_t> spawn_program(const std::string& program, std::string argument, int input) {
  spawn_settings settings;
  if (input >= 0)
    posix_spawn_file_actions_adddup2(&settings.actions, input, STDIN_FILENO);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = "drover-keeper";
  char* arguments[] = {name.data(), argument.data(), nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  int error = posix_spawn(&pid, program.c_str(), &settings.actions, &settings.attributes, arguments,
                          environment);
  if (error != 0)
    return io_failure("can't start the keeper " + program, error);
  return pid;
}

/// Whether a nursery will never work here, rather than now.
bool forbids_nurseries(int error) {
  return error == ENOSYS || error == EINVAL || error == EPERM;
}

} // namespace

keeper_starter::keeper_starter(std::string program) : program_{std::move(program)} {}

keeper_starter::~keeper_starter() {
  close_nursery();
}

expected<pid_t> keeper_starter::start(const std::string& folder) {
  {
    std::lock_guard guard{mutex_};
    if (works_)
      if (auto pid = ask(folder))
        return *pid;
  }
  return spawn_program(program_, folder, -1);
}

/// If a nursery forked and could not tell, that keeper and the one that is started instead meet at
/// the attempt's lock: one runs the step.
expected<pid_t> keeper_starter::ask(const std::string& folder) {
  if (!nursery_)
    if (auto problem = open_nursery())
      return *problem;
  int32_t answer = 0;
  bool asked = send(nursery_.get(), folder.data(), folder.size(), MSG_NOSIGNAL)
               == static_cast<ssize_t>(folder.size());
  if (!asked || recv(nursery_.get(), &answer, sizeof answer, 0) != sizeof answer) {
    close_nursery();
    failure lost{ec::io, "no answer from the nursery of keepers, another one is started"};
    complain_of_spool("nursery", lost);
    return lost;
  }
  if (answer > 0)
    return pid_t{answer};
  auto problem = io_failure("the nursery of keepers can't fork", -answer);
  if (forbids_nurseries(-answer)) {
    works_ = false;
    close_nursery();
    problem.text += "; from now on keepers are started one by one, which is slower";
    complain_of_spool("nursery", problem);
  }
  return problem;
}

std::optional<failure> keeper_starter::open_nursery() {
  int both[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) != 0)
    return io_failure("no socket for a nursery of keepers", errno);
  unique_fd ours{both[0]}, theirs{both[1]};
  auto patience = std::chrono::duration_cast<std::chrono::seconds>(limits::nursery_patience);
  timeval wait{patience.count(), 0};
  setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  auto word = std::string{nursery_word};
  word.resize(nursery_word_bytes, ' ');
  auto pid = spawn_program(program_, word, theirs.get());
  if (!pid)
    return pid.error();
  nursery_ = std::move(ours);
  nursery_pid_ = *pid;
  return std::nullopt;
}

void keeper_starter::close_nursery() {
  nursery_.reset();
  if (nursery_pid_ > 0) {
    kill(nursery_pid_, SIGKILL); // it holds nothing
    waitpid(nursery_pid_, nullptr, 0);
  }
  nursery_pid_ = 0;
}

} // namespace drover
