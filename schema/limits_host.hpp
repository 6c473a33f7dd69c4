#pragma once
// Bounds of what a host's agent tells of its steps.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// A step that runs this long is told to be running; a shorter one is told with its end alone,
/// which spares the coordinator a message and a synced batch.
inline constexpr milliseconds start_told_after = 200ms;

} // namespace drover::limits
