// SPDX-License-Identifier: Apache-2.0
#include "storage/log_tail.hpp"

#include "storage/tables.hpp"

#include <algorithm>

namespace drover::storage {

expected<std::string> read_log_tail(const store& from, attempt_id attempt, uint64_t max) {
  auto size = log_size(from, attempt);
  if (!size)
    return size.error();
  auto wanted = std::min<uint64_t>(*size, max);
  std::string tail;
  while (tail.size() < wanted) {
    auto piece = read_log(from, attempt, *size - wanted + tail.size(),
                          static_cast<size_t>(wanted - tail.size()));
    if (!piece)
      return piece.error();
    if (piece->empty())
      break;
    tail += *piece;
  }
  return tail;
}

} // namespace drover::storage
