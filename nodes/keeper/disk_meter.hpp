#pragma once
// Counts what lies in folders, a piece at a time, so that whoever counts can do other things too.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

#include <dirent.h>

#include <memory>

namespace drover {

/// Follows no links. Files that come and go meanwhile may be counted or not.
class disk_meter {
public:
  explicit disk_meter(std::vector<std::string> folders) : folders_{std::move(folders)} {}

  /// Looks at `files` more files; true when the count is complete. The next call begins a new one.
  bool go_on(size_t files);
  /// Bytes on the disk, so far in this count, or in all of it.
  uint64_t bytes() const { return bytes_; }

private:
  struct closer {
    void operator()(DIR* stream) const { closedir(stream); }
  };
  using stream = std::unique_ptr<DIR, closer>;

  bool look_at_one();
  void enter(int parent, const char* name);

  std::vector<std::string> folders_;
  size_t next_ = 0;          ///< of `folders_`
  std::vector<stream> open_; ///< the path to where we are
  uint64_t bytes_ = 0;
  size_t files_ = 0;
  bool begun_ = false;
};

} // namespace drover
