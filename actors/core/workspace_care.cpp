// SPDX-License-Identifier: Apache-2.0
#include "actors/core/workspace_care.hpp"

#include "schema/limits.hpp"
#include "schema/limits_workspaces.hpp"
#include "schema/names.hpp"
#include "schema/requirement_tree.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace drover::core {
namespace {

std::string text_of(uint64_t bytes) {
  return requirements::size_text(static_cast<double>(bytes));
}

bool older(const spare& a, const spare& b) {
  return std::tie(a.used_ms, a.kind, a.name) < std::tie(b.used_ms, b.kind, b.name);
}

/// Takes out of `spares`, which are sorted from old to new, the failed workspaces that later ones
/// replace.
std::vector<removal> take_replaced(std::vector<spare>& spares) {
  std::vector<removal> gone;
  std::set<std::string> builders;
  for (auto at = spares.rbegin(); at != spares.rend(); ++at) {
    if (at->kind != spare_kind::failed_workspace)
      continue;
    if (builders.contains(at->builder))
      gone.push_back({*at, "a later failed build of '" + at->builder + "' is kept"});
    else if (builders.size() >= limits::kept_workspaces_max)
      gone.push_back({*at, "a host keeps no more than "
                             + std::to_string(limits::kept_workspaces_max) + " of them"});
    builders.insert(at->builder);
  }
  std::reverse(gone.begin(), gone.end());
  std::erase_if(spares, [&](const spare& one) {
    return std::any_of(gone.begin(), gone.end(),
                       [&](const removal& other) { return other.what == one; });
  });
  return gone;
}

} // namespace

uint64_t free_target(const disk_room& disk) {
  if (disk.keep_free)
    return *disk.keep_free;
  return std::min(disk.total / 100 * limits::keep_free_percent, limits::keep_free_bytes_max);
}

care_plan plan_care(const disk_room& disk, std::vector<spare> spares) {
  std::sort(spares.begin(), spares.end(), older);
  care_plan plan;
  plan.removals = take_replaced(spares);
  if (disk.total == 0)
    return plan;
  auto free = disk.free;
  for (const auto& one : plan.removals)
    free += one.what.bytes;
  auto target = free_target(disk);
  auto because = "only " + text_of(disk.free) + " were free of the " + text_of(target)
                 + " that are to stay free";
  for (const auto& one : spares) {
    if (free >= target)
      break;
    if (one.busy)
      continue;
    plan.removals.push_back({one, because});
    free += one.bytes;
  }
  plan.missing = free < target ? target - free : 0;
  return plan;
}

string_map care_facts(const disk_room& disk, const std::vector<spare>& spares, uint64_t missing) {
  string_map facts{{"kept_workspaces", ""}, {"disk_short", ""}};
  std::vector<spare> kept;
  uint64_t bytes = 0;
  for (const auto& one : spares)
    if (one.kind == spare_kind::failed_workspace) {
      kept.push_back(one);
      bytes += one.bytes;
    }
  std::sort(kept.begin(), kept.end(), [](const spare& a, const spare& b) { return older(b, a); });
  if (!kept.empty()) {
    auto text = std::to_string(kept.size()) + " of failed builds, " + text_of(bytes) + ":";
    auto named = std::min(kept.size(), limits::kept_workspaces_named);
    for (size_t i = 0; i < named; ++i)
      text +=
        (i == 0 ? " " : "; ") + kept[i].path + " (" + kept[i].builder + ", " + kept[i].why + ")";
    if (named < kept.size())
      text += "; and older ones";
    facts["kept_workspaces"] = printable(text, limits::value_bytes_max);
  }
  if (missing > 0)
    facts["disk_short"] = "only " + text_of(disk.free) + " are free of the "
                          + text_of(free_target(disk))
                          + " that are to stay free, and nothing is left to remove";
  return facts;
}

} // namespace drover::core
