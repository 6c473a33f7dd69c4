#pragma once
// What to send next of bytes that a peer stores and confirms: a step's log, an artifact.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <cstdint>
#include <optional>

namespace drover::core {

/// A span to send now; without bytes it only asks how far the peer has come.
struct log_span {
  uint64_t offset = 0;
  size_t bytes = 0;
  friend bool operator==(const log_span&, const log_span&) = default;
};

/// After each (re)connect it first asks, then goes on from the peer's answer, with a bounded number
/// of unconfirmed bytes. If nothing is confirmed for limits::resend_after it asks again. Sends
/// nothing while disconnected.
class log_window {
public:
  log_window(size_t chunk_bytes, size_t window_bytes)
      : chunk_bytes_{chunk_bytes}, window_bytes_{window_bytes} {}

  void connected();
  void disconnected();

  /// The next span to send, of `size` bytes that there are; none if there is nothing to send, or
  /// too much is unconfirmed. Call `sent` with what really went, then call this again.
  std::optional<log_span> next(uint64_t size) const;
  void sent(uint64_t bytes, int64_t now_ms);

  /// The peer has stored everything before `offset`. As the answer to the question this may be less
  /// than was confirmed before (a peer that lost what it had), later only more counts.
  void durable(uint64_t offset, int64_t now_ms);

  /// Nothing was confirmed for too long: asks again. True if so.
  bool overdue(int64_t now_ms);
  /// Whether an answer is awaited, so that `overdue` must be called in time.
  bool waiting() const { return phase_ == phase::asked || sent_ > confirmed_; }

  uint64_t confirmed() const { return confirmed_; }
  /// The peer has said, on this connection, that it has all `size` bytes.
  bool complete(uint64_t size) const { return phase_ == phase::flowing && confirmed_ >= size; }

private:
  enum class phase : uint8_t { disconnected, asking, asked, flowing };

  size_t chunk_bytes_;
  size_t window_bytes_;
  phase phase_ = phase::disconnected;
  uint64_t confirmed_ = 0;
  uint64_t sent_ = 0;   ///< at least confirmed_
  int64_t news_ms_ = 0; ///< when something was confirmed, or first sent after all was
};

} // namespace drover::core
