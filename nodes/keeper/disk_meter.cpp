// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/disk_meter.hpp"

#include "schema/limits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace drover {

namespace {

constexpr uint64_t block_bytes = 512; // the unit of st_blocks, whatever the disk has

} // namespace

bool disk_meter::go_on(size_t files) {
  if (!begun_) {
    begun_ = true;
    next_ = 0;
    bytes_ = 0;
    files_ = 0;
  }
  for (size_t i = 0; i < files; ++i)
    if (!look_at_one()) {
      begun_ = false;
      open_.clear();
      return true;
    }
  return false;
}

/// False when there is nothing left to look at.
bool disk_meter::look_at_one() {
  if (++files_ > limits::disk_count_files_max)
    return false;
  if (open_.empty()) {
    if (next_ >= folders_.size())
      return false;
    enter(AT_FDCWD, folders_[next_++].c_str());
    return true;
  }
  int folder = dirfd(open_.back().get());
  auto* entry = readdir(open_.back().get());
  if (!entry) {
    open_.pop_back();
    return true;
  }
  std::string_view name{entry->d_name};
  struct stat info {};
  if (name == "." || name == ".."
      || fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return true;
  auto share = S_ISDIR(info.st_mode) ? 1 : std::max<uint64_t>(info.st_nlink, 1);
  bytes_ += static_cast<uint64_t>(info.st_blocks) * block_bytes / share;
  if (S_ISDIR(info.st_mode))
    enter(folder, entry->d_name);
  return true;
}

void disk_meter::enter(int parent, const char* name) {
  if (open_.size() >= limits::folder_depth_max)
    return;
  unique_fd folder{openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder)
    return; // gone, or closed to us
  if (stream opened{fdopendir(folder.get())}) {
    folder.release();
    open_.push_back(std::move(opened));
  }
}

} // namespace drover
