#pragma once
// Counters that tell when somebody goes too far. No clock of their own.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/line_guard.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace drover {

/// How often something happens: counts in spans of a second, the first of which begins with the
/// first event.
class rate_guard {
public:
  using moment = std::chrono::nanoseconds;

  explicit rate_guard(uint64_t per_second) : per_second_{per_second} {}

  /// Counts one event. True: there were more than allowed in the present second.
  bool exceeded_at(moment now) {
    if (!since_ || now - *since_ >= std::chrono::seconds{1}) {
      since_ = now;
      count_ = 0;
    }
    return ++count_ > per_second_;
  }

private:
  uint64_t per_second_;
  uint64_t count_ = 0;
  std::optional<moment> since_;
};

} // namespace drover
