#pragma once
// What goes from a host's disk when space is needed, and what is kept for people. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drover::core {

/// Stands first where two are equally old: a source can be fetched again.
enum class spare_kind : uint8_t { source, failed_workspace };

/// Something on the disk that nobody works with, so that it may go.
struct spare {
  spare_kind kind = spare_kind::source;
  std::string name;    ///< a source's file name, or "BUILD-PLACEMENT"
  std::string path;    ///< where people find it
  std::string builder; ///< of a failed workspace
  std::string why;     ///< of a failed workspace: what failed
  uint64_t bytes = 0;
  int64_t used_ms = 0; ///< when it was last of use, wall clock
  bool busy = false;   ///< a download under way: stays
  friend bool operator==(const spare&, const spare&) = default;
};

/// The disk under the workspaces. A `total` of 0: not known, so nothing is to be done.
struct disk_room {
  uint64_t free = 0; ///< that the agent may still write
  uint64_t total = 0;
  std::optional<uint64_t> keep_free; ///< what is to stay free, if a person has said so
  friend bool operator==(const disk_room&, const disk_room&) = default;
};

/// What is to stay free: as a person has said, else a part of the disk.
uint64_t free_target(const disk_room& disk);

struct removal {
  spare what;
  std::string because;
  friend bool operator==(const removal&, const removal&) = default;
};

struct care_plan {
  std::vector<removal> removals; ///< in this order
  uint64_t missing = 0;          ///< bytes below the target even then
  friend bool operator==(const care_plan&, const care_plan&) = default;
};

/// Of failed workspaces the last one of each builder stays, and no more than
/// limits::kept_workspaces_max in all; then the oldest spares go until the target is reached, and
/// no longer. What is in use is no spare, so it never goes.
care_plan plan_care(const disk_room& disk, std::vector<spare> spares);

/// Facts of a host: "kept_workspaces" says where failed builds can be looked at and how much that
/// is, "disk_short" that the target can't be reached. Empty values: there is nothing to say.
string_map care_facts(const disk_room& disk, const std::vector<spare>& spares, uint64_t missing);

} // namespace drover::core
