#pragma once
// So many at once, then one more with each span of time: pure.
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace drover::core {

/// How many have been taken and not been given back by time yet.
struct allowance {
  uint32_t taken = 0;
  std::chrono::milliseconds since{0}; ///< when the next one comes back is counted from here
};

/// Takes one if fewer than `at_once` are out; one comes back with each `refill`.
inline bool take(allowance& from, uint32_t at_once, std::chrono::milliseconds refill,
                 std::chrono::milliseconds now) {
  auto back = static_cast<uint64_t>(std::max<int64_t>((now - from.since) / refill, 0));
  if (from.taken == 0 || back >= from.taken)
    from = {0, now};
  else if (back > 0)
    from = {from.taken - static_cast<uint32_t>(back),
            from.since + refill * static_cast<int64_t>(back)};
  if (from.taken >= at_once)
    return false;
  ++from.taken;
  return true;
}

} // namespace drover::core
