// SPDX-License-Identifier: Apache-2.0
#include "config/source_check.hpp"

#include "config/values.hpp"
#include "config/zone.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

namespace drover {

namespace {

constexpr size_t shown_bytes_max = 60; // of a value in a message

std::string of_problem(const source_spec& timer, const farm_config& farm) {
  auto shown = printable(timer.of, shown_bytes_max);
  std::vector<std::string_view> names;
  for (const auto& other : farm.sources) {
    names.push_back(other.name);
    if (other.name == timer.of)
      return other.kind == source_kind::timer ? fmt::format("of: '{}' is a timer itself", shown)
                                              : std::string{};
  }
  auto near = nearest(timer.of, names);
  return fmt::format("source '{}' is not known{}", shown,
                     near ? fmt::format(" (did you mean '{}'?)", *near)
                          : fmt::format("; there are: {}", fmt::join(names, ", ")));
}

std::vector<source_mistake> check_timer(const source_spec& timer, const farm_config& farm) {
  std::vector<source_mistake> found;
  auto parsed = parse_cron(timer.cron);
  if (const auto* wrong = std::get_if<cron_error>(&parsed))
    found.push_back({"/cron", wrong->position, "cron: " + wrong->message});
  if (auto zone = open_zone(timer.zone); !zone)
    found.push_back({"/zone", 0, "zone: " + zone.error().text});
  for (const auto& [key, there] : {std::pair{"match", !timer.match.empty()},
                                   {"branches", !timer.branches.empty()},
                                   {"every", timer.every.count() != 0}})
    if (there)
      found.push_back({fmt::format("/{}#", key), 0,
                       fmt::format("{}: a timer has no such setting; it has cron, zone, of, "
                                   "only_changed",
                                   key)});
  if (timer.only_changed && timer.of.empty())
    found.push_back(
      {"/only_changed#", 0, "only_changed: needs `of`, the source whose changes count"});
  if (auto problem = timer.of.empty() ? std::string{} : of_problem(timer, farm); !problem.empty())
    found.push_back({"/of", 0, problem});
  return found;
}

} // namespace

std::vector<source_mistake> check_times(const source_spec& source, const farm_config& farm) {
  if (source.kind == source_kind::timer)
    return check_timer(source, farm);
  if (source.zone.empty() && source.of.empty() && !source.only_changed)
    return {};
  return {{"#", 0, "zone, of and only_changed: only timers have them; write cron as well"}};
}

config_error placed(const source_mistake& wrong, const place& where) {
  auto column = where.text_column ? *where.text_column + wrong.character : where.column;
  return {where.line, column, wrong.message, where.file};
}

} // namespace drover
