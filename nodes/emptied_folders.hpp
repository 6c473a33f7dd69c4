#pragma once
// Emptied folders that are used again under another name.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// Empty, the agent's and open to its owner alone for writing: as it was made.
bool is_bare(const std::string& folder);

/// Making a file or a folder costs ext4 without a journal up to a millisecond where many were
/// removed within the last minutes: it passes over each of their numbers. A rename costs nothing of
/// the kind. They lie beside what they become, under names that begin with a dot; no process but
/// this one may take them. May be called from any thread.
class emptied_folders {
public:
  /// Keeps up to `most` folders in `root`.
  emptied_folders(std::string root, size_t most);
  /// Removes what an earlier process left; what can't be removed stays and is never taken.
  void clear() const;

  /// Moves `folder`, of the same root, aside and says where it is now; nothing if there are enough
  /// or it can't be moved: then it is where it was. Taken by nobody before it is offered.
  std::optional<std::string> set_aside(const std::string& folder);
  /// Says that the folder `aside` is empty now, as its next owner expects it.
  void offer(std::string aside);
  /// A folder that was offered: the caller's from now on.
  std::optional<std::string> take();

private:
  std::string root_;
  size_t most_;
  std::mutex mutex_;
  uint64_t next_ = 0;
  std::vector<std::string> offered_;
};

} // namespace drover
