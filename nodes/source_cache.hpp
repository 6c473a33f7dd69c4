#pragma once
// Downloads of one host, by content: each source comes once, whoever needs it. Bounded.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/workspace_care.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "schema/model.hpp"

#include <optional>

namespace drover {

struct cache_bounds {
  size_t files = limits::source_cache_files_max;
  uint64_t bytes = limits::source_cache_bytes_max;
};

/// Files are named by their SHA-256; "HASH.part" while they come.
class source_cache {
public:
  source_cache(std::string folder, const cache_bounds& bounds);

  /// Bytes of the source that are here.
  uint64_t bytes_of(const source_ref& source) const;
  /// Adds a piece at `offset`, which must be `bytes_of`.
  std::optional<failure> add(const source_ref& source, uint64_t offset, std::string_view bytes);
  /// The path of the complete source, its digest just checked. A wrong one is dropped.
  expected<std::string> take(const source_ref& source);
  /// Removes the least recently used beyond the bounds, never `keep`.
  void prune(const source_ref& keep) const;
  /// All that is kept, to be dropped when space is needed.
  std::vector<core::spare> spares() const;

private:
  std::string folder_;
  cache_bounds bounds_;
};

} // namespace drover
