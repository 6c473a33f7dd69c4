#pragma once
// What a host answered when workspaces were closed, kept on its disk to be said again.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "schema/messages.hpp"

#include <optional>
#include <string>

namespace drover {

/// One small file a closed workspace: FOLDER/BUILD-PLACEMENT. Without it an agent that dies
/// between the removal of a workspace and the coordinator's word that it has heard the answer
/// could not say any more which artifacts are stored. One thread at a time.
class closed_answers {
public:
  explicit closed_answers(std::string folder, size_t kept = limits::closed_builds_kept);

  /// Keeps it durably, instead of an earlier one; drops the oldest beyond the bound, now and then.
  std::optional<failure> remember(const build_closed& answer);
  /// Nothing if it was never kept or can't be read.
  std::optional<build_closed> find(build_id build, uint32_t placement) const;
  void forget(build_id build, uint32_t placement);

private:
  void prune();

  std::string folder_;
  size_t kept_;
  size_t since_pruned_; ///< answers kept
};

} // namespace drover
