#pragma once
// Which entries of the step cache go, so that it stays within its bounds. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits_cache.hpp"
#include "schema/model.hpp"

#include <vector>

namespace drover::core {

struct cache_bounds {
  size_t entries = limits::cache_entries_max;
  uint64_t bytes = limits::cache_bytes_max;
  milliseconds unused = limits::cache_unused_max;
};

/// Those that nobody has used for too long, then those used longest ago until the rest fits.
std::vector<cache_record> entries_to_drop(std::vector<cache_record> entries, wall_time now,
                                          const cache_bounds& bounds = {});

} // namespace drover::core
