// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_bounds.hpp"

#include <algorithm>
#include <utility>

namespace drover::core {

std::vector<cache_record> entries_to_drop(std::vector<cache_record> entries, wall_time now,
                                          const cache_bounds& bounds) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.used_at != b.used_at ? a.used_at > b.used_at : a.key < b.key;
  });
  std::vector<cache_record> gone;
  uint64_t bytes = 0;
  size_t kept = 0;
  for (auto& entry : entries) {
    bool fits = kept < bounds.entries && entry.size <= bounds.bytes - bytes
                && now.ms - entry.used_at.ms <= bounds.unused.count();
    if (!fits) {
      gone.push_back(std::move(entry));
      continue;
    }
    ++kept;
    bytes += entry.size;
  }
  return gone;
}

} // namespace drover::core
