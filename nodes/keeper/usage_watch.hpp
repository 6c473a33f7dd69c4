#pragma once
// Watches what a running step uses: which of its limits it has met, and what it used in all.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/cgroup.hpp"
#include "nodes/keeper/disk_meter.hpp"

namespace drover {

/// The order's limits, with the defaults of schema/limits.hpp.
step_limits limits_in_force(const keeper_order& order);

class usage_watch {
public:
  usage_watch(const keeper_order& order, milliseconds now);

  struct verdict {
    result outcome = result::none;
    std::string reason;
  };
  /// Looks if it is time to; the limit that has been met, if one has.
  std::optional<verdict> look(milliseconds now);
  /// Looks whatever time it is, at all but the disk: for the end.
  std::optional<verdict> look_again();
  /// When to look next.
  milliseconds next() const;
  /// What was used up to the last look; children that have been reaped are in it.
  resource_usage usage() const;
  /// Which of the step's limits have no means on this host: "memory, pids"; empty: all have.
  std::string not_enforced() const;

private:
  std::optional<verdict> count_disk(milliseconds now);

  step_limits limits_;
  cgroup_plan plan_;
  bool own_user_;
  bool counted_groups_;
  group_counters counted_;
  disk_meter meter_;
  milliseconds next_look_, next_count_{0}, count_begun_{0};
  bool counting_ = false;
  uint64_t disk_peak_ = 0;
};

} // namespace drover
