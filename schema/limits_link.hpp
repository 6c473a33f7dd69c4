#pragma once
// Bounds of a link's way in.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>

namespace drover::limits {

/// Calls that are answered before the actor behind has taken their messages: to learn of each that
/// it is taken would wake the loop once more for every message. Few beside link_queue_max.
inline constexpr size_t link_answers_ahead_max = 8;

} // namespace drover::limits
