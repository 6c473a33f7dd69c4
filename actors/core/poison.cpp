// SPDX-License-Identifier: Apache-2.0
#include "actors/core/poison.hpp"

#include "actors/core/mutants.hpp"
#include "schema/limits_healing.hpp"

#include <algorithm>

namespace drover::core {

std::vector<host_name> hosts_killed(const step_record& step) {
  std::vector<host_name> killed;
  for (const auto& attempt : step.attempts) {
    // A host that came back later without its keeper was killed all the same.
    bool gone = attempt.state == attempt_state::lost || attempt.keeper_lost;
    bool counts = gone && attempt.outcome == result::host_lost
                  && attempt.reason.find(lost_with_many) == std::string::npos
                  && attempt.reason.find(nothing_ran) == std::string::npos;
    if (counts && std::find(killed.begin(), killed.end(), attempt.host) == killed.end())
      killed.push_back(attempt.host);
  }
  return killed;
}

std::string poison_sentence(const build_file& file) {
  if (is_mutant(mutant::no_poison))
    return {};
  for (const auto& step : file.steps) {
    auto killed = hosts_killed(step);
    if (killed.size() < limits::poison_hosts)
      continue;
    std::string names;
    for (size_t i = 0; i < killed.size(); ++i)
      names += (i == 0 ? "" : i + 1 == killed.size() ? " and " : ", ") + killed[i].value;
    return "step '" + step.name + "' was running on " + names
           + " when each of them was lost: it is not tried on another host";
  }
  return {};
}

} // namespace drover::core
