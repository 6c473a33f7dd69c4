// SPDX-License-Identifier: Apache-2.0
#include "actors/core/restart_budget.hpp"

namespace drover::core {

bool spend(restart_history& history, const restart_budget& budget, int64_t now_ms) {
  while (!history.empty() && history.front() <= now_ms - budget.period.count())
    history.pop_front();
  if (history.size() >= budget.allowed)
    return false;
  history.push_back(now_ms);
  return true;
}

} // namespace drover::core
