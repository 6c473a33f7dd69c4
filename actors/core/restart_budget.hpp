#pragma once
// Restart intensity, as in Erlang/OTP: so many restarts within a period, then give up.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <deque>

namespace drover::core {

struct restart_budget {
  uint32_t allowed = 0;
  std::chrono::milliseconds period{0};
};

/// Moments (on any one clock, in milliseconds) of the restarts that still count.
using restart_history = std::deque<int64_t>;

/// Whether one more restart at `now_ms` is within the budget; if so it is entered into `history`.
/// Restarts older than the period are forgotten first.
bool spend(restart_history& history, const restart_budget& budget, int64_t now_ms);

} // namespace drover::core
