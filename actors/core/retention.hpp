#pragma once
// Which artifacts go: those that are too old, and the oldest of those that are too many. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// A finished build whose artifacts are there.
struct artifact_holder {
  build_id build;
  std::string builder;
  wall_time finished_at;
  bool green = false; ///< and no second opinion
  uint64_t bytes = 0; ///< of its artifacts together
};

struct artifact_drop {
  build_id build;
  std::string builder;
  uint64_t bytes = 0;
  std::string why; ///< "older than 30 d"
  friend bool operator==(const artifact_drop&, const artifact_drop&) = default;
};

artifact_holder holder_of(const build_record& build);
/// Whether anything is ever to go.
bool has_retention(const farm_config& config);

/// `holders`: newest first. A builder's own `keep` counts for it alone; what `limits` say counts
/// for all builders without one, together. The newest green build of each builder keeps its
/// artifacts, and so do the newest `last` builds. The oldest ones are told first.
std::vector<artifact_drop> choose_drops(const farm_config& config,
                                        const std::vector<artifact_holder>& holders, wall_time now);

} // namespace drover::core
