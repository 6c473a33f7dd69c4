#pragma once
// Bounds the log lines that somebody else can cause. No clock of its own.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <optional>

namespace drover {

/// Lines that others cause: so many in a period, the rest is only counted.
class line_guard {
public:
  using moment = std::chrono::nanoseconds;

  line_guard(uint32_t lines, std::chrono::milliseconds period) : lines_{lines}, period_{period} {}

  /// Whether a line may be written now.
  bool admits_at(moment now) {
    if (!since_ || now - *since_ >= period_) {
      since_ = now;
      written_ = 0;
    }
    if (written_ < lines_) {
      ++written_;
      return true;
    }
    ++left_out_;
    return false;
  }

  /// Lines left out since this was last asked; ask before a line that may be written.
  uint64_t take_left_out() {
    auto count = left_out_;
    left_out_ = 0;
    return count;
  }

private:
  uint32_t lines_;
  std::chrono::milliseconds period_;
  uint32_t written_ = 0;
  uint64_t left_out_ = 0;
  std::optional<moment> since_;
};

} // namespace drover
