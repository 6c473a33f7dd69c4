#pragma once
// Content that nothing refers to, found and removed. For clean_up.cpp.
// SPDX-License-Identifier: Apache-2.0

#include "storage/maintenance.hpp"

#include <set>

namespace drover::storage {

enum class sweeping : uint8_t { count, remove };

struct garbage_rules {
  const std::set<build_id>& leaving; ///< what these refer to alone is garbage
  wall_time young;                   ///< what was stored then or later stays
  wall_time changes_since;           ///< what changes of then or later name stays
  sweeping how = sweeping::count;
};

struct garbage_report {
  uint64_t blobs = 0;
  uint64_t bytes = 0;
};

/// Safe beside writers of content (storage/content_guard.hpp) and beside new builds.
expected<garbage_report> remove_garbage(store& in, const garbage_rules& rules,
                                        const keep_going& go);

} // namespace drover::storage
