// SPDX-License-Identifier: Apache-2.0
#include "actors/core/log_window.hpp"

#include <algorithm>

namespace drover::core {

void log_window::connected() {
  phase_ = phase::asking;
  sent_ = confirmed_;
}

void log_window::disconnected() {
  phase_ = phase::disconnected;
  sent_ = confirmed_;
}

std::optional<log_span> log_window::next(uint64_t size) const {
  if (phase_ == phase::asking)
    return log_span{confirmed_, 0};
  if (phase_ != phase::flowing || sent_ >= size)
    return std::nullopt;
  auto on_their_way = sent_ - confirmed_;
  if (on_their_way >= window_bytes_)
    return std::nullopt;
  auto wanted = std::min<uint64_t>(chunk_bytes_, size - sent_);
  // A part of what is there would cost as much as a whole: room for it comes soon.
  if (on_their_way > 0 && wanted > window_bytes_ - on_their_way)
    return std::nullopt;
  return log_span{sent_, static_cast<size_t>(std::min<uint64_t>(wanted, window_bytes_))};
}

void log_window::sent(uint64_t bytes, int64_t now_ms) {
  if (!waiting())
    news_ms_ = now_ms;
  if (phase_ == phase::asking) {
    phase_ = phase::asked;
    news_ms_ = now_ms;
  }
  sent_ += bytes;
}

void log_window::durable(uint64_t offset, int64_t now_ms) {
  if (phase_ == phase::asked) {
    phase_ = phase::flowing;
    confirmed_ = offset;
    sent_ = offset;
    news_ms_ = now_ms;
    return;
  }
  if (offset <= confirmed_)
    return;
  confirmed_ = offset;
  sent_ = std::max(sent_, offset);
  news_ms_ = now_ms;
}

bool log_window::overdue(int64_t now_ms) {
  if (!waiting() || now_ms - news_ms_ < limits::resend_after.count())
    return false;
  connected();
  return true;
}

} // namespace drover::core
