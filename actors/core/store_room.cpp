// SPDX-License-Identifier: Apache-2.0
#include "actors/core/store_room.hpp"

#include "schema/limits_room.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::core {
namespace {

constexpr double mib = 1 << 20;

uint64_t scarce_below(uint64_t total) {
  return std::clamp(total / limits::store_scarce_part, limits::store_scarce_min,
                    limits::store_scarce_max);
}

} // namespace

room_level judge(const store_room& room) {
  if (room.total == 0)
    return room_level::plenty; // a disk that does not answer is not known to be full
  auto full_below = std::clamp(room.total / limits::store_full_part, limits::store_full_min,
                               limits::store_full_max);
  if (room.free < full_below)
    return room_level::full;
  return room.free < scarce_below(room.total) ? room_level::scarce : room_level::plenty;
}

std::string room_sentence(const store_room& room) {
  return fmt::format("the coordinator's disk has {:.1f} MiB free and needs {:.1f} to take anything "
                     "new: make room, or let `drover admin gc` do it; what runs goes on",
                     static_cast<double>(room.free) / mib,
                     static_cast<double>(scarce_below(room.total)) / mib);
}

} // namespace drover::core
