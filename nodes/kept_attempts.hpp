#pragma once
// Short attempts whose results are durable at the coordinator, many of them in one file.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace drover {

/// What the files of an attempt's folder held (`spool_folder.hpp`), byte for byte.
struct kept_attempt {
  std::string attempt, keeper, log;
  friend bool operator==(const kept_attempt&, const kept_attempt&) = default;
};

/// FOLDER/NUMBER, each with a record for each attempt; none is synced. To keep an attempt here
/// leaves its folder to the next one: to make a folder and its files anew costs more than all else
/// that the agent does for a short step. A crash leaves at most one record that was cut short, and
/// that one's attempt is still in its folder.
/// May be called from any thread.
class kept_attempts {
public:
  /// Finds what earlier agents kept in `folder` in this boot, and removes what is of another one:
  /// exits of short attempts do not outlive it. The folder is made once there is something to keep.
  kept_attempts(std::string folder, std::string boot_id);

  /// Keeps the attempt `name`, which is not here yet. An error changes nothing; one of
  /// ec::unavailable says that there are enough, or that it is too large for this.
  std::optional<failure> add(const std::string& name, const kept_attempt& what);
  bool holds(const std::string& name) const;
  /// ec::not_found if it is not here.
  expected<kept_attempt> read(const std::string& name) const;
  std::vector<std::string> names() const;
  /// A file goes with the last attempt in it.
  void forget(const std::string& name);

private:
  struct place {
    uint64_t file = 0;
    uint32_t offset = 0, bytes = 0;
  };
  void look_into(uint64_t file);
  std::optional<failure> begin_file();
  std::optional<failure> append(std::string_view record);
  std::string path_of(uint64_t file) const;

  std::string folder_, boot_id_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, place> places_;
  std::map<uint64_t, size_t> held_; ///< by file: how many attempts in it are not yet forgotten
  uint64_t current_ = 0;            ///< the file that grows; 0: none yet
  uint64_t last_ = 0;               ///< the highest number in use
  size_t current_bytes_ = 0;
  unique_fd current_file_;
};

} // namespace drover
