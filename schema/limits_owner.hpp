#pragma once
// Bounds of the file in which a machine's owner says what the farm may do.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

inline constexpr size_t owner_file_bytes_max = 64 * 1024;
/// How often the file, the clock and the load are looked at: hours begin that late at most.
inline constexpr std::chrono::milliseconds owner_look_every{2000};
/// News of it are this far apart: a load that comes and goes is no news, and the coordinator hears
/// no facts that come sooner than limits::facts_heard_every.
inline constexpr std::chrono::milliseconds owner_told_every{15'000};
inline constexpr uint32_t owner_nice_max = 19;
inline constexpr size_t owner_windows_max = 50;

} // namespace drover::limits
