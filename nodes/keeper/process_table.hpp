#pragma once
// The processes of this machine as /proc shows them, and the safe way to kill some of them.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "schema/model.hpp"

namespace drover {

struct process_entry {
  int32_t pid = 0;
  int32_t parent = 0;
  int32_t group = 0;
  int32_t session = 0;
  uint64_t start_ticks = 0;
  bool zombie = false;  ///< dead, not yet reaped: holds nothing but its number
  bool exiting = false; ///< ended, by itself or killed, and about to be a zombie
  std::string name;     ///< as the process calls itself: foreign bytes
};

/// Reads one /proc/PID/stat text.
std::optional<process_entry> parse_process(std::string_view stat_text);
/// The process `pid`, if it is there.
std::optional<process_entry> find_process(int32_t pid);
/// All processes that can be seen; without those that end meanwhile.
std::vector<process_entry> all_processes();
/// Those of `table` that descend from `ancestor`, living ones only.
std::vector<process_entry> descendants_of(const std::vector<process_entry>& table,
                                          int32_t ancestor);

/// Sends `signal` to the very process of `entry`, never to a later one with its number. Gives a
/// descriptor that becomes readable when it is dead; an empty one if it is gone already.
unique_fd signal_process(const process_entry& entry, int signal);

/// "sh (pid 12), sleep (pid 13) and 3 more": for reasons, fit to be shown.
std::string name_processes(const std::vector<process_entry>& entries);

} // namespace drover
