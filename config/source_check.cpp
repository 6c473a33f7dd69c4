// SPDX-License-Identifier: Apache-2.0
#include "config/source_check.hpp"

#include "config/zone.hpp"

#include <fmt/format.h>

namespace drover {

std::vector<source_mistake> check_timer(const source_spec& timer) {
  std::vector<source_mistake> found;
  auto parsed = parse_cron(timer.cron);
  if (const auto* wrong = std::get_if<cron_error>(&parsed))
    found.push_back({"cron", wrong->position, "cron: " + wrong->message});
  if (auto zone = open_zone(timer.zone); !zone)
    found.push_back({"zone", 0, "zone: " + zone.error().text});
  for (const auto& [key, there] : {std::pair{"match", !timer.match.empty()},
                                   {"branches", !timer.branches.empty()},
                                   {"every", timer.every.count() != 0}})
    if (there)
      found.push_back({fmt::format("{}#", key), 0,
                       fmt::format("{}: a timer has no such setting; it has cron, zone, of, "
                                   "only_changed",
                                   key)});
  if (timer.only_changed && timer.of.empty())
    found.push_back(
      {"only_changed#", 0, "only_changed: needs `of`, the source whose changes count"});
  return found;
}

} // namespace drover
