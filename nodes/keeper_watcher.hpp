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
    kinship kin = kinship::stranger;
    std::vector<callback> gone;
  };
  void run();
  void ended(int pidfd);

  mutable std::mutex mutex_;
  std::map<std::string, entry> entries_;
  unique_fd epoll_, stop_;
  std::thread thread_;
};

} // namespace drover
