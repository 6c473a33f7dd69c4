#pragma once
// How much of logs and blobs may be on its way over a link that is slow.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <cstddef>

namespace drover::limits {

/// Where a link begins, and the least that it goes down to: at 48 KiB/s, 83 ms of it.
inline constexpr size_t bulk_window_min = 4 * 1024;
/// What bulk may make a beat wait, roughly: so late it still comes within `suspect_after`.
inline constexpr milliseconds bulk_delay_max = 100ms;
static_assert(beat_interval + bulk_delay_max < suspect_after);
/// How long the best speed of a link counts, at least, and at most twice that: a busy machine
/// answers slowly for a moment, a slow link does so always.
inline constexpr milliseconds bulk_speed_period = 2s;

} // namespace drover::limits
