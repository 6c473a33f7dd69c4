#pragma once
// Waits for the ends of keepers: one thread, one epoll, a pidfd for each keeper.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace drover {

class keeper_watcher {
public:
  /// Called on the watcher's thread, without its mutex held.
  using callback = std::function<void()>;

  keeper_watcher();
  /// Keepers that still run go on; callbacks that were not called never will be.
  ~keeper_watcher();
  keeper_watcher(const keeper_watcher&) = delete;
  keeper_watcher& operator=(const keeper_watcher&) = delete;

  enum class kinship { child, stranger };
  /// Watches the process behind `pidfd` under `key`; a child is reaped when it has ended.
  std::optional<failure> add(const std::string& key, unique_fd pidfd, kinship kin);
  /// Calls `gone` at the end of the process watched under `key`; false if there is none.
  bool notify(const std::string& key, callback gone);
  bool watches(const std::string& key) const;

private:
  struct entry {
    unique_fd pidfd;
    uint64_t serial = 0; ///< tells its events from those of an earlier one
    kinship kin = kinship::stranger;
    std::vector<callback> gone;
  };
  static constexpr uint64_t stop_serial = 0; ///< of the event that ends the thread

  void run();
  void ended(uint64_t serial);

  mutable std::mutex mutex_;
  std::map<std::string, entry> entries_;
  uint64_t last_serial_ = 0;
  unique_fd epoll_, stop_;
  std::thread thread_;
};

} // namespace drover
