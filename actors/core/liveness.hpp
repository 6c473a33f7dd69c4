#pragma once
// How long a silent host is trusted: pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace drover::core {

using std::chrono::milliseconds;

enum class liveness : uint8_t { up, suspect, lost };

struct liveness_policy {
  milliseconds suspect_after = limits::suspect_after;
  milliseconds lease = limits::lease;
  friend bool operator==(const liveness_policy&, const liveness_policy&) = default;
};

/// What a host is after `silent` without a beat. A host that has never been heard counts its
/// silence from when its supervisor began to listen, so that after a restart of the coordinator it
/// has one lease to come back.
liveness after_silence(const liveness_policy& policy, milliseconds silent);

/// How long a supervisor whose look came so `late` was not running itself (stopped, or starved) and
/// could hear nobody: that does not count as silence. A look is a `little` late on a busy machine.
milliseconds own_absence(milliseconds late, milliseconds little);

/// "3.2 s", "4 min", "2 h": for sentences.
std::string spoken(milliseconds span);

} // namespace drover::core
