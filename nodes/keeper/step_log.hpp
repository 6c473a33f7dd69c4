#pragma once
// The log of a step while its keeper writes it: the head as it was printed and, of a log that grew
// too large, the tail.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

namespace drover {

/// Why a log is not written on as it is printed.
enum class log_end { none, limit, no_room, error };

/// The file only ever grows: what the agent has read and sent stays as it was. Once the head has
/// ended, what is printed goes round in memory, and `finish` appends what is left of it: one line
/// that says how much is missing, then the last limits::log_tail_bytes at most.
///
/// The step is ended when the head ends rather than left to run on: nobody reads gigabytes, a step
/// that prints for ever would hold its host for hours and wear its disk out, and the verdict comes
/// while the cause is fresh. So the tail is what the step says on its way out. For a full disk the
/// same: others need what room is left.
///
/// Memory is one buffer of limits::log_tail_bytes for the whole process, so there is one log at a
/// time: output is read into it, and there it goes round once the head has ended.
class step_log {
public:
  /// `bytes_max`: of the head. The file is made once there is something to put into it.
  void open(std::string path, uint64_t bytes_max);
  struct free_space {
    char* at;
    size_t bytes; ///< never 0
  };
  /// Where to put what is printed next.
  free_space space();
  /// Takes what was put there. Never fails: `end` tells of trouble.
  void take(size_t bytes);
  /// Nothing more comes. The file is complete, and synced if wanted, unless an error is returned.
  std::optional<failure> finish(durability wanted);

  log_end end() const { return end_; }
  /// The error number behind log_end::error; ENOSPC for log_end::no_room.
  int error() const { return error_; }
  uint64_t head_bytes() const { return head_bytes_; }

private:
  /// How many of `bytes` are in the file now; fewer: the head has ended.
  size_t write_head(std::string_view bytes);
  bool make_file();
  bool has_room();
  void set_room_aside();
  std::string note() const;

  std::string path_;
  unique_fd file_;
  uint64_t bytes_max_ = 0;
  uint64_t head_bytes_ = 0;
  uint64_t next_look_ = 0; ///< at the disk's room, when the head has so many bytes
  uint64_t aside_ = 0;     ///< room is set aside up to here
  uint64_t beyond_ = 0;    ///< printed after the head's end
  char last_ = '\n';
  log_end end_ = log_end::none;
  int error_ = 0;
};

} // namespace drover
