// drover-keeper FOLDER: runs the order in an attempt's folder and records how it ended there.
//
// One for each running step. It outlives drover-host, so it needs nobody: the folder tells it all
// (nodes/spool_folder.hpp) and takes all it has to say. Links the standard library alone.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/step_keeper.hpp"
#include "nodes/spool_folder.hpp"
#include "schema/limits.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

namespace {

using namespace drover;

enum exit_status { done = 0, wrong_usage = 2, refused = 3, not_recorded = 4 };

int complain(const std::string& text, exit_status status) {
  std::fprintf(stderr, "drover-keeper: %s\n", text.c_str());
  return status;
}

/// Nothing inherited stays open, and what we say goes into the folder.
void detach(const std::string& folder) {
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
    for (int fd = 3; fd < 1024; ++fd)
      close(fd);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto path = folder + "/" + spool_file::keeper_errors;
  int errors = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (nothing >= 0)
    dup2(nothing, 0);
  if (errors >= 0 && dup2(errors, 1) >= 0)
    dup2(errors, 2);
  close(nothing);
  close(errors);
  setsid(); // fails if the agent made us a session leader already
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(022);
}

/// Room for the exit record and our name in the folder; the lock is held.
std::optional<failure> sign_in(const std::string& folder) {
  if (access((folder + "/" + spool_file::exit).c_str(), F_OK) == 0
      || access((folder + "/" + spool_file::keeper).c_str(), F_OK) == 0)
    return failure{ec::conflict, folder + ": this attempt has had its keeper"};
  auto path = folder + "/" + spool_file::exit + ".new";
  unique_fd room{open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  if (!room)
    return io_failure(path, errno);
  if (int error = posix_fallocate(room.get(), 0, limits::exit_record_bytes_max))
    return io_failure(path, error);
  auto itself = find_process(getpid());
  process_identity identity{getpid(), itself ? itself->start_ticks : 0, current_boot_id()};
  return replace_file(folder, spool_file::keeper, encode(identity), durability::unsynced);
}

keeper_exit exception_account(const std::string& reason) {
  keeper_exit account;
  account.outcome = result::exception;
  account.reason = reason.substr(0, limits::reason_bytes_max);
  account.started_at = account.finished_at = wall_now();
  return account;
}

keeper_exit run_order(const std::string& folder) {
  auto order = read_record(folder, spool_file::order, &decode_order);
  if (!order)
    return exception_account(order.error().text);
  step_keeper keeper{folder};
  try {
    auto account = keeper.run(*order);
    if (account.finished_at.ms == 0)
      account.finished_at = wall_now();
    return account;
  } catch (const std::exception& error) {
    keeper.kill_everybody();
    return exception_account(std::string{"the keeper failed: "} + error.what());
  }
}

/// Everything is over already; only the record is wanted. A full disk may clear up, but the room
/// was taken ahead, so one try tells.
int record(const std::string& folder, const keeper_exit& account) {
  if (auto problem = replace_file(folder, spool_file::exit, encode(account), durability::synced))
    return complain("the exit (" + account.reason + ") is not recorded: " + problem->text,
                    not_recorded);
  return done;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    return complain("give the attempt's folder, as drover-host does", wrong_usage);
  std::string folder = argv[1];
  block_keeper_signals();
  detach(folder);
  auto lock = take_lock(folder, lock_kind::of_process);
  if (!lock)
    return complain(lock.error().text, refused);
  if (auto problem = sign_in(folder)) {
    if (problem->code == ec::conflict)
      return complain(problem->text, refused);
    return record(folder, exception_account(problem->text));
  }
  return record(folder, run_order(folder));
}
