#pragma once
// So many at once, then one in a while: a token bucket over moments that come in. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <algorithm>

namespace drover::core::irc {

/// A moment of a steady clock; only differences mean something.
using moment = limits::milliseconds;

class token_bucket {
public:
  token_bucket(uint32_t burst, limits::milliseconds every) : burst_{burst}, every_{every} {}

  /// Takes one if there is one.
  bool take(moment now) {
    fill(now);
    if (level_ == 0)
      return false;
    --level_;
    return true;
  }

  /// How long until there is one.
  limits::milliseconds wait(moment now) const {
    if (level_ > 0 || now - filled_at_ >= every_)
      return limits::milliseconds{0};
    return every_ - (now - filled_at_);
  }

private:
  void fill(moment now) {
    if (level_ == burst_) {
      filled_at_ = now;
      return;
    }
    auto more = std::max<int64_t>((now - filled_at_) / every_, 0);
    filled_at_ += more * every_;
    level_ = static_cast<uint32_t>(std::min<int64_t>(burst_, level_ + more));
  }

  uint32_t burst_;
  limits::milliseconds every_;
  uint32_t level_ = burst_;
  moment filled_at_{0};
};

} // namespace drover::core::irc
