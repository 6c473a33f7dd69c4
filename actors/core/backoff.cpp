// SPDX-License-Identifier: Apache-2.0
#include "actors/core/backoff.hpp"

#include <algorithm>

namespace drover::core {

limits::milliseconds backoff(uint32_t failures, limits::milliseconds first,
                             limits::milliseconds most, uint64_t random) {
  auto full = std::min(first, most);
  for (uint32_t doubled = 1; doubled < failures && full < most; ++doubled)
    full = std::min(full * 2, most);
  auto half = full.count() / 2;
  auto jitter = static_cast<int64_t>(random % static_cast<uint64_t>(full.count() - half + 1));
  return limits::milliseconds{half + jitter};
}

} // namespace drover::core
