// SPDX-License-Identifier: Apache-2.0
#include "actors/core/source_pace.hpp"

#include "schema/limits_sources.hpp"

#include <algorithm>
#include <functional>

namespace drover::core {

std::chrono::milliseconds next_look(std::chrono::milliseconds every, uint32_t failures) {
  auto pace =
    every.count() == 0 ? limits::source_every_default : std::max(every, limits::source_every_min);
  if (failures == 0)
    return pace;
  auto doublings = std::min(failures - 1, limits::source_backoff_doublings_max);
  auto slower = pace * (int64_t{1} << doublings);
  return std::max(pace, std::min(slower, limits::source_retry_max));
}

uint64_t first_upload(const std::string& source) {
  constexpr int sequence_bits = 24; // people's uploads count from 0; these begin far above
  auto high = uint64_t{std::hash<std::string>{}(source)} | (uint64_t{1} << 63);
  return high & ~((uint64_t{1} << sequence_bits) - 1);
}

} // namespace drover::core
