#pragma once
// How often hosts beat, and what their silence means at that pace: pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/liveness.hpp"

#include <cstddef>

namespace drover::core {

struct pace {
  milliseconds beat_every = limits::beat_interval;
  /// When silence counts for what, in proportion to the interval.
  liveness_policy silence = {};
  /// How often a supervisor looks.
  milliseconds look_every = limits::supervisor_tick;
  friend bool operator==(const pace&, const pace&) = default;
};

/// The pace at which `hosts` together send at most limits::beats_per_second. It never falls as
/// hosts become more.
pace pace_for(size_t hosts);

} // namespace drover::core
