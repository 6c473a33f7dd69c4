#pragma once
// Which ends of the same work a red build is compared with. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace drover::core {

/// How far from a red build, by their numbers, another end may be and still change the choice.
struct blame_reach {
  static constexpr uint64_t any = std::numeric_limits<uint64_t>::max();
  uint64_t at_home = any; ///< on the red build's own host
  uint64_t elsewhere = any;
  friend bool operator==(const blame_reach&, const blame_reach&) = default;
};

struct blame_choice {
  std::vector<size_t> chosen; ///< positions in `same`, the most telling first
  blame_reach reach;
};

/// The most telling ends: second opinions on this very build, then the nearest on its own host,
/// then the nearest elsewhere; of two equally near the older. Nearness decides, and not age, so
/// that what once was chosen stays, however often the same is built later. What tells nothing (not
/// over, cancelled, never on a host, the red build itself) is passed over. `same`: builds of the
/// same builder, source and parameters, in any order.
blame_choice choose_compared(const build_record& red, const std::vector<const build_record*>& same);

/// Whether this end of the same work can change what the red build is compared with.
bool can_concern(const build_record& red, const blame_reach& reach, const build_record& end);

} // namespace drover::core
