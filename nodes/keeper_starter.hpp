#pragma once
// Starts keepers: out of a nursery of this agent where that works, else one by one.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

#include <sys/types.h>

#include <mutex>
#include <string>

namespace drover {

/// May be called from any thread. The nursery is started with the first keeper and again when it
/// has ended; it ends with this, or with this process.
class keeper_starter {
public:
  /// `program`: the keeper's.
  explicit keeper_starter(std::string program);
  ~keeper_starter();
  keeper_starter(const keeper_starter&) = delete;
  keeper_starter& operator=(const keeper_starter&) = delete;

  /// A keeper for the attempt in `folder`, in a session of its own: its pid, of a child of this
  /// process, to be reaped by the caller.
  expected<pid_t> start(const std::string& folder);

private:
  expected<pid_t> ask(const std::string& folder);
  std::optional<failure> open_nursery();
  void close_nursery();

  std::string program_;
  std::mutex mutex_;
  unique_fd nursery_; ///< the socket to it
  pid_t nursery_pid_ = 0;
  bool works_ = true;
};

} // namespace drover
