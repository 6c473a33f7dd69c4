#pragma once
// Compares what a host should hold with what it says it holds. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

#include <chrono>
#include <map>
#include <vector>

namespace drover::core {

/// One attempt that a host should hold.
struct open_order {
  assignment work;
  std::chrono::milliseconds sent{-1}; ///< when it was last said, on the caller's clock; -1: never
  bool confirmed = false;             ///< the host has listed it
  bool started = false;               ///< the host has said that its command runs
};

using open_orders = std::map<grant_token, open_order>;

struct reconciliation {
  std::vector<grant_token> to_send;  ///< not confirmed, and never said or said too long ago
  std::vector<grant_token> missing;  ///< confirmed once, and the host lists it no more
  std::vector<known_attempt> strays; ///< listed without an order
  std::vector<grant_token> started;  ///< listed as running for the first time
};

/// Whether the host has ended the attempt without having begun it.
bool not_taken(const open_order& order, const attempt_ended& report);

/// Marks in `orders` what the host's list confirms. Only lists that the host made one after the
/// other may be given, in that order: an older list would look like a loss.
reconciliation reconcile(open_orders& orders, const std::vector<known_attempt>& listed,
                         std::chrono::milliseconds now);

} // namespace drover::core
