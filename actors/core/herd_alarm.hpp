#pragma once
// Half the herd gone at once: the farm suspects itself before it acts. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drover::core {

using std::chrono::milliseconds;

enum class herd_mood : uint8_t {
  calm,
  braked,  ///< nothing is begun twice and nothing is re-queued: the own side is being checked
  careful, ///< the own side is well: both happen, at a limited rate
};

struct herd_watch {
  herd_mood mood = herd_mood::calm;
  milliseconds since{0};
  size_t hosts = 0; ///< that were in service when the alarm began
};

/// The herd at one moment: hosts that were heard lately, and those that have fallen silent, each
/// with the moment of its last word.
struct herd_sight {
  milliseconds now{0};
  size_t heard = 0;
  std::vector<milliseconds> silent_since;
};

/// Takes a look. A text is what the journal tells: an alarm, or that it is over.
std::optional<std::string> look_at_herd(herd_watch& watch, const herd_sight& sight);

/// The own side has been checked while braked; `trouble` is empty if all is well there.
std::optional<std::string> own_side_checked(herd_watch& watch, const std::string& trouble);

} // namespace drover::core
