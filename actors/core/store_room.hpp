#pragma once
// Whether the store's disk has room for more.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <functional>
#include <string>

namespace drover::core {

/// What the store's disk has left, in bytes. A disk that could not be asked has `total` 0.
struct store_room {
  uint64_t free = 0;
  uint64_t total = 0;
  friend bool operator==(const store_room&, const store_room&) = default;
};

/// Asks the disk. Quick; none: there is always room.
using store_room_probe = std::function<store_room()>;

enum class room_level : uint8_t {
  plenty,
  scarce, ///< nothing new is taken; what runs is recorded
  full,   ///< nothing is written until there is room again
};

room_level judge(const store_room& room);

/// Why nothing new is taken, one sentence for people.
std::string room_sentence(const store_room& room);

} // namespace drover::core
