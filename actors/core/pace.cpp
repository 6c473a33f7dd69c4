// SPDX-License-Identifier: Apache-2.0
#include "actors/core/pace.hpp"

#include <algorithm>

namespace drover::core {
namespace {

/// Intervals are told to people: round ones.
constexpr milliseconds grain{100};

} // namespace

pace pace_for(size_t hosts) {
  auto served = std::min(hosts, limits::hosts_max);
  auto exact = (served * 1000 + limits::beats_per_second - 1) / limits::beats_per_second;
  auto needed = milliseconds{static_cast<int64_t>(exact)};
  auto rounded = (needed + grain - milliseconds{1}) / grain * grain;
  pace found;
  found.beat_every = std::max(limits::beat_interval, rounded);
  auto scaled = [&](milliseconds at_default) {
    return at_default * found.beat_every.count() / limits::beat_interval.count();
  };
  found.silence = {scaled(limits::suspect_after), scaled(limits::lease)};
  found.look_every = scaled(limits::supervisor_tick);
  return found;
}

} // namespace drover::core
