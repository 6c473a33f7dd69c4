#pragma once
// Reads a long stretch of the store page by page, so that no iterator lives long and the reader can
// be stopped. For storage/ alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits_api.hpp"
#include "storage/keys.hpp"
#include "storage/maintenance.hpp"

namespace drover::storage {

struct stretch {
  family where = family::history;
  std::string from, to;
};

/// Calls `visit(key, value)` for each entry in ascending order. `visit` may read, but not commit.
template <class Visit>
std::optional<failure> scan_pages(const store& in, stretch all, const keep_going& go,
                                  const Visit& visit) {
  while (true) {
    size_t rows = 0, bytes = 0;
    std::optional<std::string> next;
    auto look = [&](std::string_view key, std::string_view value) {
      if (rows == limits::scan_page_rows || bytes >= limits::scan_page_bytes) {
        next = key;
        return false;
      }
      ++rows;
      bytes += value.size();
      visit(key, value);
      return true;
    };
    if (auto problem = in.scan(all.where, all.from, all.to, scan_order::ascending, look))
      return problem;
    if (!next)
      return std::nullopt;
    if (!go())
      return failure{ec::unavailable, "the farm is stopping; the store was not read to its end"};
    all.from = std::move(*next);
  }
}

/// All keys of `kind`.
inline stretch all_of(family where, keys::tag kind) {
  return {where, std::string{static_cast<char>(kind)}, keys::end_of(kind)};
}

} // namespace drover::storage
