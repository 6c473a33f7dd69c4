#pragma once
// How long to wait before the next try: doubling, bounded, and jittered so that a herd of hosts
// does not come back in one moment.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <cstdint>

namespace drover::core {

/// The wait after `failures` tries in a row have failed (1 or more). Its full length doubles from
/// `first` up to `most`; `random` (any 64 bits) picks a moment in the second half of it.
limits::milliseconds backoff(uint32_t failures, limits::milliseconds first,
                             limits::milliseconds most, uint64_t random);

} // namespace drover::core
