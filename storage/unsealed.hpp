#pragma once
// Logs that an earlier run left unsealed.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

#include <vector>

namespace drover::storage {

struct unsealed_log {
  attempt_id attempt;
  bool ended = false; ///< nothing more is to come, as far as the store knows
  friend bool operator==(const unsealed_log&, const unsealed_log&) = default;
};

/// Every log of which a chunk is not sealed, in the order of their keys. Reads a key a log and the
/// records of its build, not the chunks.
expected<std::vector<unsealed_log>> read_unsealed(const store& from);

} // namespace drover::storage
