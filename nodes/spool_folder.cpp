// SPDX-License-Identifier: Apache-2.0
#include "nodes/spool_folder.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace drover {

namespace {

struct flock whole_file(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

} // namespace

std::string folder_name(const grant_token& token) {
  char incarnation[17];
  auto [end, error] =
    std::to_chars(incarnation, incarnation + 16, token.granted_in.incarnation, 16);
  return std::to_string(token.granted_in.counter) + "-"
         + std::string{incarnation, error == std::errc{} ? end : incarnation} + "-"
         + std::to_string(token.attempt.build.value) + "-"
         + std::to_string(token.attempt.step.value) + "-"
         + std::to_string(token.attempt.attempt.value);
}

bool outlives_power(const keeper_exit& account) {
  // A clock that was set meanwhile makes it synced, as does an end without a start.
  auto took = milliseconds{account.finished_at.ms - account.started_at.ms};
  return took < milliseconds{0} || took >= limits::exit_synced_from;
}

expected<std::string> read_spool_file(const std::string& folder, const char* name) {
  return read_whole(folder + "/" + name, limits::spool_file_bytes_max);
}

expected<int32_t> lock_holder(const std::string& folder) {
  auto path = folder + "/" + spool_file::keeper;
  unique_fd file{open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!file && errno == ENOENT)
    return 0;
  auto range = whole_file(F_WRLCK);
  // Asked as for an open file's lock: this process's own locks are told too.
  if (!file || fcntl(file.get(), F_OFD_GETLK, &range) != 0)
    return io_failure(path, errno);
  if (range.l_type == F_UNLCK)
    return 0;
  return range.l_pid > 0 ? range.l_pid : -1; // -1: held by a process that we can't see
}

expected<unique_fd> take_lock(const std::string& folder, lock_kind kind) {
  auto path = folder + "/" + spool_file::keeper;
  unique_fd file{open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!file)
    return io_failure(path, errno);
  if (auto problem = lock_file(file.get(), kind, folder))
    return *problem;
  return file;
}

std::optional<failure> lock_file(int fd, lock_kind kind, const std::string& folder) {
  auto range = whole_file(F_WRLCK);
  int command = kind == lock_kind::of_file ? F_OFD_SETLK : F_SETLK;
  if (fcntl(fd, command, &range) == 0)
    return std::nullopt;
  if (errno == EAGAIN || errno == EACCES)
    return failure{ec::conflict, folder + ": a keeper runs this attempt already"};
  return io_failure(folder + "/" + spool_file::keeper, errno);
}

std::optional<failure> sync_attempt(const std::string& folder, int keeper) {
  auto path = folder + "/" + spool_file::attempt;
  unique_fd attempt{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!attempt || fsync(attempt.get()) != 0)
    return io_failure(path, errno);
  if (fsync(keeper) != 0)
    return io_failure(folder + "/" + spool_file::keeper, errno);
  if (auto problem = sync_folder(folder))
    return problem;
  return sync_folder(folder.substr(0, folder.rfind('/')));
}

int64_t wall_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

wall_time wall_now() {
  return {wall_now_ns() / 1'000'000};
}

milliseconds boot_time_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return milliseconds{int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
}

std::string current_boot_id() {
  static const auto known = read_whole("/proc/sys/kernel/random/boot_id", 4096);
  return known ? (*known).substr(0, (*known).find('\n')) : std::string{};
}

} // namespace drover
