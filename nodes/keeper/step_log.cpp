// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/step_log.hpp"

#include "nodes/keeper/watchdog.hpp"
#include "schema/limits.hpp"
#include "schema/limits_keeper.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace drover {

namespace {

// Static, so that the keeper of a quiet step does not even touch it.
char tail[limits::log_tail_bytes];

/// No log is longer than what the coordinator takes of one, tail and all.
constexpr uint64_t head_bytes_most =
  limits::log_bytes_max - limits::log_tail_bytes - limits::log_note_bytes_max;

bool is_full(int error) {
  return error == ENOSPC || error == EDQUOT;
}

} // namespace

void step_log::open(std::string path, uint64_t bytes_max) {
  path_ = std::move(path);
  bytes_max_ = std::min(bytes_max, head_bytes_most);
}

bool step_log::make_file() {
  if (!file_)
    file_ = unique_fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  return static_cast<bool>(file_);
}

step_log::free_space step_log::space() {
  auto at = static_cast<size_t>(beyond_ % sizeof tail);
  return {tail + at, std::min(limits::keeper_read_bytes, sizeof tail - at)};
}

void step_log::take(size_t bytes) {
  if (end_ != log_end::none) {
    beyond_ += bytes;
    return;
  }
  auto written = write_head({tail, bytes});
  beyond_ = bytes - written;
  std::memmove(tail, tail + written, beyond_);
}

size_t step_log::write_head(std::string_view bytes) {
  auto room = bytes_max_ - head_bytes_;
  auto rest = bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(room, bytes.size())));
  auto written = size_t{0};
  if (!make_file()) {
    error_ = errno;
    end_ = is_full(error_) ? log_end::no_room : log_end::error;
    return written;
  }
  if (head_bytes_ + rest.size() > next_look_ && !has_room()) {
    end_ = log_end::no_room;
    error_ = ENOSPC;
    return written;
  }
  while (written < rest.size()) {
    auto wrote = write(file_.get(), rest.data() + written, rest.size() - written);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0) {
      error_ = errno;
      end_ = is_full(error_) ? log_end::no_room : log_end::error;
      return written;
    }
    written += static_cast<size_t>(wrote);
    head_bytes_ += static_cast<uint64_t>(wrote);
    last_ = rest[written - 1];
  }
  if (room < bytes.size())
    end_ = log_end::limit;
  return written;
}

/// Looks at the disk now and then; a short log always has its room.
bool step_log::has_room() {
  bool first = next_look_ == 0;
  next_look_ = head_bytes_ + limits::log_room_every;
  struct statvfs disk {};
  if (first || fstatvfs(file_.get(), &disk) != 0)
    return true; // if it is full, writing will tell
  auto reserve =
    std::min<uint64_t>(limits::spool_reserve_bytes,
                       uint64_t{disk.f_blocks} * disk.f_frsize / limits::spool_reserve_share);
  auto left = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (left > reserve + limits::log_aside_free_min)
    set_room_aside();
  return left >= reserve;
}

/// A file system makes many blocks at once for far less than one by one.
void step_log::set_room_aside() {
  if (next_look_ <= aside_)
    return;
  aside_ = head_bytes_ + limits::log_room_aside;
  // Where it can't be done, the log is written all the same.
  static_cast<void>(fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(head_bytes_),
                              static_cast<off_t>(limits::log_room_aside)));
}

std::string step_log::note() const {
  auto why = end_ == log_end::limit ? "passed its limit of " + show_bytes(bytes_max_)
                                    : "could not be written on, " + system_text(error_);
  std::string text = last_ == '\n' ? "" : "\n";
  text += "[drover: here the log " + why + "; ";
  if (beyond_ > sizeof tail)
    text += std::to_string(beyond_ - sizeof tail) + " bytes are left out, the last "
            + show_bytes(sizeof tail) + " follow]\n";
  else
    text += "nothing is left out, the last " + show_bytes(beyond_) + " follow]\n";
  return text;
}

std::optional<failure> step_log::finish(durability wanted) {
  if (head_bytes_ + beyond_ == 0)
    return std::nullopt; // a step that printed nothing has no file
  if (!make_file())
    return io_failure("the log can't be written", errno);
  // Its step is dead and its files may be gone by now, so a full disk may have room again.
  if (beyond_ > 0) {
    auto at = static_cast<size_t>(beyond_ % sizeof tail);
    bool whole_turn = beyond_ >= sizeof tail;
    auto error = write_all(file_.get(), note());
    if (error == 0 && whole_turn)
      error = write_all(file_.get(), {tail + at, sizeof tail - at});
    if (error == 0)
      error = write_all(file_.get(), {tail, at});
    if (error != 0)
      return io_failure("the log's tail can't be written", error);
  }
  // What is left of the room set aside goes back.
  if (aside_ > 0 && ftruncate(file_.get(), lseek(file_.get(), 0, SEEK_END)) != 0)
    return io_failure("the log's file can't be cut to its length", errno);
  // The file's name is synced later.
  if (wanted == durability::synced && fsync(file_.get()) != 0)
    return io_failure("the log can't be synced", errno);
  return std::nullopt;
}

} // namespace drover
