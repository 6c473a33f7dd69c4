#pragma once
// Bounds of timers.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>

namespace drover::limits {

/// A time that passed while nobody looked is made up for if it is no older.
inline constexpr std::chrono::milliseconds timer_catch_up{24 * 60 * 60'000};
/// A build that begins so long behind its time is said to be late.
inline constexpr std::chrono::milliseconds timer_late{90'000};
/// The wall clock is looked at this often: it may be set forward.
inline constexpr std::chrono::milliseconds timer_look_every{10'000};
/// Times that were missed and are counted; more are "many".
inline constexpr uint64_t timer_missed_max = 2000;

} // namespace drover::limits
