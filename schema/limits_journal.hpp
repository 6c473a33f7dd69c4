#pragma once
// Bounds of looking back into the journal.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>

namespace drover::limits {

/// Entries that a start looks at for ends of campaigns that were not told: what a coordinator can
/// have written in the moment before it died is far less.
inline constexpr size_t event_look_back = 5000;

} // namespace drover::limits
