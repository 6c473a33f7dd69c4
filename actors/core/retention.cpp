// SPDX-License-Identifier: Apache-2.0
#include "actors/core/retention.hpp"

#include "actors/core/liveness.hpp"
#include "actors/core/submit.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drover::core {

namespace {

/// What counts for a builder, and with whom it shares its budget: nobody, or all ("").
struct rule {
  retention_spec keep;
  std::string shared_by;
};

rule rule_of(const farm_config& config, const std::string& builder) {
  const auto* known = find_builder(config, builder);
  if (known != nullptr && known->keep != retention_spec{})
    return {known->keep, builder};
  return {config.limits.artifacts, {}};
}

std::string size_words(uint64_t bytes) {
  const char* units[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
  size_t unit = 0;
  while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0)
    bytes /= 1024, ++unit;
  return std::to_string(bytes) + units[unit];
}

/// Those that stay whatever age and budget say.
std::set<build_id> find_protected(const farm_config& config,
                                  const std::vector<artifact_holder>& holders) {
  std::set<build_id> stay;
  std::set<std::string> has_green;
  std::map<std::string, uint32_t> seen;
  for (const auto& holder : holders) {
    if (holder.green && has_green.insert(holder.builder).second)
      stay.insert(holder.build);
    if (seen[holder.builder]++ < rule_of(config, holder.builder).keep.keep_last)
      stay.insert(holder.build);
  }
  return stay;
}

} // namespace

artifact_holder holder_of(const build_record& build) {
  artifact_holder out{build.id, build.builder, build.finished_at, false, 0};
  out.green = build.outcome == result::success && build.opinion_of.value == 0;
  for (const auto& artifact : build.artifacts)
    out.bytes += artifact.size;
  return out;
}

bool has_retention(const farm_config& config) {
  auto bounds = [](const retention_spec& keep) { return keep.age.count() > 0 || keep.budget > 0; };
  return bounds(config.limits.artifacts)
         || std::any_of(config.builders.begin(), config.builders.end(),
                        [&](const builder_spec& builder) { return bounds(builder.keep); });
}

std::vector<artifact_drop> choose_drops(const farm_config& config,
                                        const std::vector<artifact_holder>& holders,
                                        wall_time now) {
  auto stay = find_protected(config, holders);
  std::map<std::string, uint64_t> kept; // bytes, by who shares a budget
  std::set<build_id> too_old;
  for (const auto& holder : holders) {
    auto by = rule_of(config, holder.builder);
    auto age = now.ms - holder.finished_at.ms;
    if (by.keep.age.count() > 0 && age > by.keep.age.count() && !stay.contains(holder.build))
      too_old.insert(holder.build);
    else
      kept[by.shared_by] += holder.bytes;
  }
  std::vector<artifact_drop> drops;
  for (auto holder = holders.rbegin(); holder != holders.rend(); ++holder) {
    auto by = rule_of(config, holder->builder);
    artifact_drop drop{holder->build, holder->builder, holder->bytes, {}};
    if (too_old.contains(holder->build)) {
      drop.why = "older than " + spoken(by.keep.age);
    } else if (by.keep.budget > 0 && kept[by.shared_by] > by.keep.budget
               && !stay.contains(holder->build)) {
      kept[by.shared_by] -= holder->bytes;
      drop.why = "the oldest beyond " + size_words(by.keep.budget) + " of artifacts"
                 + (by.shared_by.empty() ? "" : " of builder " + by.shared_by);
    }
    if (!drop.why.empty())
      drops.push_back(std::move(drop));
  }
  return drops;
}

} // namespace drover::core
