#pragma once
// One pending timer of an actor: arming it again replaces what was armed before.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"

#include <optional>

namespace drover {

/// An actor's `atom::tick` handler begins with `if (!ticker.due(self)) return;`. However often the
/// timer is armed, few messages are under way and a replaced one has no effect.
class ticker {
public:
  template <class Pointer>
  void arm(Pointer self, milliseconds delay) {
    due_at_ = self->clock().now() + delay;
    if (!under_way_ || *under_way_ > *due_at_)
      send(self, delay);
  }

  /// The same, unless it is armed for an earlier time.
  template <class Pointer>
  void arm_within(Pointer self, milliseconds delay) {
    if (!due_at_ || *due_at_ > self->clock().now() + delay)
      arm(self, delay);
  }

  void disarm() { due_at_.reset(); }
  bool armed() const { return due_at_.has_value(); }

  /// How long ago the armed time was; negative: it is to come. Nothing is armed: 0.
  template <class Pointer>
  milliseconds late(Pointer self) const {
    return due_at_ ? std::chrono::floor<milliseconds>(self->clock().now() - *due_at_)
                   : milliseconds{0};
  }

  /// Whether the tick that has come is the one that was armed last; then it is armed no more.
  template <class Pointer>
  bool due(Pointer self) {
    auto now = self->clock().now();
    if (under_way_ && now >= *under_way_)
      under_way_.reset();
    if (!due_at_)
      return false;
    if (now >= *due_at_) {
      due_at_.reset();
      return true;
    }
    if (!under_way_)
      send(self, std::chrono::ceil<milliseconds>(*due_at_ - now));
    return false;
  }

private:
  template <class Pointer>
  void send(Pointer self, milliseconds delay) {
    under_way_ = self->clock().now() + delay;
    self->delayed_send(self, delay, atom::tick::value);
  }

  using moment = std::chrono::steady_clock::time_point;
  std::optional<moment> due_at_;
  std::optional<moment> under_way_;
};

} // namespace drover
