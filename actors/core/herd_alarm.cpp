// SPDX-License-Identifier: Apache-2.0
#include "actors/core/herd_alarm.hpp"

#include "actors/core/mutants.hpp"
#include "schema/limits_healing.hpp"

#include <algorithm>

namespace drover::core {

namespace {

/// The most hosts that fell silent within one window.
size_t most_at_once(std::vector<milliseconds> moments) {
  std::sort(moments.begin(), moments.end());
  size_t most = 0;
  for (size_t first = 0, last = 0; last < moments.size(); ++last) {
    while (moments[last] - moments[first] > limits::alarm_window)
      ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

} // namespace

std::optional<std::string> look_at_herd(herd_watch& watch, const herd_sight& sight) {
  if (watch.mood != herd_mood::calm) {
    bool back = sight.heard * 2 > watch.hosts;
    if (!back && sight.now - watch.since < limits::alarm_time_max)
      return std::nullopt;
    auto hosts = watch.hosts;
    watch = {};
    return back ? std::to_string(sight.heard) + " of " + std::to_string(hosts)
                    + " hosts are here: the alarm is over"
                : "the hosts did not come back: the alarm is over, and each is treated by itself";
  }
  auto hosts = sight.heard + sight.silent_since.size();
  if (hosts < limits::alarm_hosts_min || is_mutant(mutant::no_brake))
    return std::nullopt;
  auto gone = most_at_once(sight.silent_since);
  if (gone * 2 < hosts)
    return std::nullopt;
  watch = {herd_mood::braked, sight.now, hosts};
  return std::to_string(gone) + " of " + std::to_string(hosts)
         + " hosts fell silent at once: the farm suspects its own side, and begins nothing twice "
           "before that is checked";
}

std::optional<std::string> own_side_checked(herd_watch& watch, const std::string& trouble) {
  if (watch.mood != herd_mood::braked || !trouble.empty())
    return std::nullopt;
  watch.mood = herd_mood::careful;
  return "the farm's own side is well: the work of silent hosts is begun elsewhere, at a limited "
         "rate";
}

} // namespace drover::core
