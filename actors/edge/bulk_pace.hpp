#pragma once
// How many bytes of logs and blobs a link may have on their way, judged by how long answers take.
//
// Calls over one connection arrive in order, so a beat waits for all bulk that was sent before it,
// wherever that is kept: here, in the kernel, in the network. What the peer has answered is out of
// the way. So the bound is on what is not answered: as much as the link has lately carried in the
// time that an answer takes at best and that a beat may wait.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits_pace.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover {

class bulk_pace {
public:
  using moment = std::chrono::nanoseconds; ///< since anything

  /// What was known when a message set out.
  struct departure {
    moment at;
    uint64_t delivered;
  };

  /// Bytes that may be unanswered.
  size_t window() const { return window_; }

  /// Bytes of one message, where it can be cut: two of them are under way, so that the link is busy
  /// while an answer comes back.
  size_t piece() const { return window_ / 2; }

  departure sent(moment now) const { return {now, delivered_}; }

  void answered(const departure& sent, size_t bytes, moment now) {
    delivered_ += bytes;
    auto took = std::max<moment>(now - sent.at, std::chrono::microseconds{1});
    shortest_ = std::min(shortest_, took);
    if (auto age = now - period_began_; age > limits::bulk_speed_period) {
      best_before_ = age > 2 * limits::bulk_speed_period ? 0 : best_;
      best_ = 0;
      period_began_ = now;
    }
    // Of all that arrived since this one set out: answers that come in a bunch do not mislead.
    best_ = std::max(best_, static_cast<double>(delivered_ - sent.delivered) / seconds(took));
    auto carried = std::max(best_, best_before_) * seconds(shortest_ + limits::bulk_delay_max);
    auto bounded = std::min(carried, static_cast<double>(limits::link_window_bytes));
    window_ = std::max(static_cast<size_t>(bounded), limits::bulk_window_min);
  }

private:
  static double seconds(moment time) { return std::chrono::duration<double>{time}.count(); }

  size_t window_ = limits::bulk_window_min;
  uint64_t delivered_ = 0;
  moment shortest_ = std::chrono::hours{1};
  moment period_began_{0};
  double best_ = 0, best_before_ = 0; ///< bytes in a second
};

} // namespace drover
