// drover-keeper FOLDER: runs the order in an attempt's folder and records how it ended there.
//
// drover-keeper --nursery: forks keepers as drover-host asks for them by its standard input.
//
// One keeper for each running step. It outlives drover-host, so it needs nobody: the folder tells
// it all (nodes/spool_folder.hpp) and takes all it has to say. Links the standard library alone.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/nursery.hpp"
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

/// The attempt's folder, and the file in it by which we hold its lock and tell what happens.
struct desk {
  std::string folder;
  std::string path;
  unique_fd records;
};

/// Nothing inherited stays open, and what we say goes among our records: once the lock is taken no
/// other descriptor of that file may be closed, or the lock is gone.
expected<desk> sit_down(const std::string& folder) {
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
    for (int fd = 3; fd < 1024; ++fd)
      close(fd);
  if (unique_fd nothing{open("/dev/null", O_RDONLY | O_CLOEXEC)}; nothing)
    dup2(nothing.get(), 0);
  desk own{folder, folder + "/" + spool_file::keeper, {}};
  own.records = unique_fd{open(own.path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!own.records)
    return io_failure(own.path, errno);
  if (dup2(own.records.get(), 1) >= 0)
    dup2(own.records.get(), 2);
  setsid(); // fails if the agent made us a session leader already
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(022);
  if (auto problem = lock_file(own.records.get(), lock_kind::of_process, folder))
    return *problem;
  return own;
}

/// What the file holds already, read without another descriptor.
std::string records_of(const desk& own) {
  std::string bytes(limits::keeper_file_bytes, '\0');
  auto got = pread(own.records.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return bytes;
}

/// Room for all that we shall tell, and our name; the lock is held.
std::optional<failure> sign_in(const desk& own) {
  auto before = records_of(own);
  for (const auto* kind : {"process", "exit"})
    if (auto had = last_record(kind, before); had || had.error().code != ec::not_found)
      return failure{ec::conflict, own.folder + ": this attempt has had its keeper"};
  // Where a disk can't set room aside, a full one may swallow the exit: then the keeper is lost.
  if (fallocate(own.records.get(), FALLOC_FL_KEEP_SIZE, 0, limits::keeper_file_bytes) != 0
      && errno != EOPNOTSUPP)
    return io_failure(own.path, errno);
  auto itself = find_process(getpid());
  process_identity identity{getpid(), itself ? itself->start_ticks : 0, current_boot_id()};
  return append_record(own.records.get(), encode(identity), own.path);
}

keeper_exit exception_account(const std::string& reason) {
  keeper_exit account;
  account.outcome = result::exception;
  account.reason = reason.substr(0, limits::reason_bytes_max);
  account.started_at = account.finished_at = wall_now();
  return account;
}

keeper_exit run_order(const desk& own) {
  auto order = read_record(own.folder, spool_file::attempt, "order", &decode_order);
  if (!order)
    return exception_account(order.error().text);
  step_keeper keeper{own.folder, own.records.get()};
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
int record(const desk& own, const keeper_exit& account) {
  auto problem = append_record(own.records.get(), encode(account), own.path);
  if (!problem && outlives_power(account))
    problem = sync_attempt(own.folder, own.records.get());
  if (problem)
    return complain("the exit (" + account.reason + ") is not recorded: " + problem->text,
                    not_recorded);
  return done;
}

int keep(const std::string& folder) {
  block_keeper_signals();
  auto own = sit_down(folder);
  if (!own)
    return complain(own.error().text, refused);
  if (auto problem = sign_in(*own)) {
    if (problem->code == ec::conflict)
      return complain(problem->text, refused);
    return record(*own, exception_account(problem->text));
  }
  return record(*own, run_order(*own));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    return complain("give the attempt's folder, as drover-host does", wrong_usage);
  if (!std::string_view{argv[1]}.starts_with(nursery_word))
    return keep(argv[1]);
  auto folder = tend_nursery(STDIN_FILENO, argv[1]);
  return folder ? keep(*folder) : done;
}
