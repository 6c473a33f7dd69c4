#pragma once
// A connection's place among those that may be open at once.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <memory>

namespace drover::http {

/// Counts a connection as long as it lives.
class seat {
public:
  explicit seat(std::shared_ptr<size_t> taken) : taken_{std::move(taken)} { ++*taken_; }
  ~seat() {
    if (taken_)
      --*taken_;
  }
  seat(seat&& other) noexcept = default;
  seat& operator=(seat&&) = delete;

private:
  std::shared_ptr<size_t> taken_;
};

} // namespace drover::http
