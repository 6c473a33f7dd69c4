// SPDX-License-Identifier: Apache-2.0
#include "actors/core/reconcile.hpp"

#include "schema/limits.hpp"

#include <set>
#include <utility>

namespace drover::core {

bool not_taken(const open_order& order, const attempt_ended& report) {
  return !order.confirmed && !order.started && report.outcome == result::exception
         && !report.keeper_lost && report.started_at.ms == 0;
}

reconciliation reconcile(open_orders& orders, const std::vector<known_attempt>& listed,
                         std::chrono::milliseconds now) {
  reconciliation found;
  std::set<grant_token> held;
  for (const auto& attempt : listed) {
    held.insert(attempt.token);
    auto order = orders.find(attempt.token);
    if (order == orders.end()) {
      found.strays.push_back(attempt);
      continue;
    }
    order->second.confirmed = true;
    if (attempt.state == known_state::running && !std::exchange(order->second.started, true))
      found.started.push_back(attempt.token);
  }
  for (const auto& [token, order] : orders) {
    if (held.contains(token))
      continue;
    if (order.confirmed)
      found.missing.push_back(token);
    else if (order.sent.count() < 0 || now - order.sent >= limits::resend_after)
      found.to_send.push_back(token);
  }
  return found;
}

} // namespace drover::core
