#pragma once
// What would tell more of a failure's cause.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>

namespace drover::core {

enum class opinion_wish : uint8_t {
  none,
  elsewhere, ///< the same on another host
  again,     ///< the same on its own host
};

} // namespace drover::core
