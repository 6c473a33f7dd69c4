// SPDX-License-Identifier: Apache-2.0
#include "config/herd.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "schema/requirement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover {
namespace {

string_map traits_in(const farm_config& farm, const known_host& host) {
  auto spec = std::find_if(farm.hosts.begin(), farm.hosts.end(),
                           [&](const host_spec& one) { return one.name == host.name; });
  return traits_of(host.facts, spec == farm.hosts.end() ? host.labels : spec->labels);
}

/// Where to point at: the requirement, or the builder's name.
place place_of(const places& where, const std::string& builder) {
  for (const auto* part : {"/requires", "#"})
    if (auto found = where.find("builders/" + builder + part); found != where.end())
      return found->second;
  return {};
}

} // namespace

std::vector<config_error> unserved(const config_report& checked,
                                   const std::vector<known_host>& hosts) {
  std::vector<config_error> out;
  for (const auto& builder : checked.config->builders) {
    auto parsed = requirement::parse(builder.requirement);
    const auto* needs = std::get_if<requirement>(&parsed);
    if (needs == nullptr)
      continue; // an error of its own
    const known_host* nearest_miss = nullptr;
    std::vector<std::string> fewest;
    bool served = false;
    for (const auto& host : hosts) {
      if (host.facts.empty())
        continue;
      auto unmet = needs->unmet(traits_in(*checked.config, host));
      served = served || unmet.empty();
      if (nearest_miss == nullptr || unmet.size() < fewest.size()) {
        nearest_miss = &host;
        fewest = std::move(unmet);
      }
    }
    if (served || nearest_miss == nullptr)
      continue;
    auto at = place_of(checked.where, builder.name);
    auto told = printable(fmt::format("no host of the running farm can serve builder '{}'; the "
                                      "nearest is {}: {}",
                                      builder.name, nearest_miss->name, fmt::join(fewest, "; ")),
                          limits::reason_bytes_max);
    auto file = at.file < checked.names.size() && at.file > 0 ? checked.names[at.file] : "";
    out.push_back({at.line, at.column, std::move(told), at.file, std::move(file)});
  }
  return out;
}

} // namespace drover
