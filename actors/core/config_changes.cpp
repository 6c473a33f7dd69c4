// SPDX-License-Identifier: Apache-2.0
#include "actors/core/config_changes.hpp"

#include <map>
#include <vector>

namespace drover::core {

namespace {

template <class Thing>
void compare(const std::string& what, const std::vector<Thing>& before,
             const std::vector<Thing>& after, std::vector<std::string>& out) {
  std::map<std::string, std::pair<const Thing*, const Thing*>> all;
  for (const auto& thing : before)
    all[thing.name].first = &thing;
  for (const auto& thing : after)
    all[thing.name].second = &thing;
  for (const auto& [name, pair] : all) {
    auto [old, fresh] = pair;
    if (old == nullptr)
      out.push_back(what + " " + name + " added");
    else if (fresh == nullptr)
      out.push_back(what + " " + name + " removed");
    else if (*old != *fresh)
      out.push_back(what + " " + name + " changed");
  }
}

} // namespace

std::string config_changes(const farm_config& before, const farm_config& after) {
  std::vector<std::string> changes;
  if (before.farm != after.farm)
    changes.push_back("farm is called " + after.farm);
  compare("host", before.hosts, after.hosts, changes);
  compare("source", before.sources, after.sources, changes);
  compare("builder", before.builders, after.builders, changes);
  compare("reporter", before.reporters, after.reporters, changes);
  compare("user", before.users, after.users, changes);
  if (before.limits != after.limits)
    changes.push_back("limits changed");
  std::string line;
  for (const auto& change : changes)
    line += (line.empty() ? "" : "; ") + change;
  return line.empty() ? "nothing but comments" : line;
}

} // namespace drover::core
