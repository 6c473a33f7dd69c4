#pragma once
// Room that the coordinator's store leaves on its disk.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>

namespace drover::limits {

/// Below this part of the disk, but between these bounds, nothing new is taken: no builds, no
/// uploads, no output. What runs goes on and its results are recorded.
inline constexpr uint64_t store_scarce_part = 50; ///< a fiftieth
inline constexpr uint64_t store_scarce_min = 6ull << 20;
inline constexpr uint64_t store_scarce_max = 512ull << 20;
/// Below this nothing is written at all: a write that fails in the middle would stop the farm.
inline constexpr uint64_t store_full_part = 100;
inline constexpr uint64_t store_full_min = 3ull << 20;
inline constexpr uint64_t store_full_max = 128ull << 20;
/// How often a recorder that waits for room looks again.
inline constexpr std::chrono::milliseconds store_room_look{500};

} // namespace drover::limits
