#pragma once
// Hosts that people keep from new work: what an order makes of a hold, and how it is told. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>

namespace drover::core {

/// "drained by ann since 2026-...: new disk (until 2026-...)": why a host gets no new work.
std::string hold_sentence(const host_hold& hold);

/// How a host shows that would be up but for a hold of this kind.
host_state held_state(hold_kind kind);

/// Whether a hold that ends by itself is over.
bool is_over(const host_hold& hold, wall_time now);

} // namespace drover::core
