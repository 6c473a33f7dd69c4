// SPDX-License-Identifier: Apache-2.0
#include "actors/core/submit.hpp"

#include "actors/core/explain/waiting.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drover::core {

namespace {

failure unknown_builder(const farm_config& config, const std::string& name) {
  std::string known;
  for (const auto& builder : config.builders)
    known += (known.empty() ? "" : ", ") + builder.name;
  return {ec::not_found, "there is no builder '" + printable(name, limits::name_bytes_max)
                           + "'; the farm has: " + (known.empty() ? "none" : known)};
}

std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string all;
  for (const auto& part : parts)
    all += (all.empty() ? "" : separator) + part;
  return all;
}

requirement parsed_or_none(const builder_spec& builder) {
  auto parsed = requirement::parse(builder.requirement);
  auto* needs = std::get_if<requirement>(&parsed);
  return needs == nullptr ? requirement{} : *needs;
}

void add_each_host(submission_plan& plan, const cell& base, const std::vector<host_offer>& hosts) {
  auto needs = parsed_or_none(*base.builder);
  for (const auto& host : hosts) {
    if (host.stage == host_stage::retired)
      continue; // nobody misses it
    auto made = base;
    made.host = host.name;
    if (auto unmet = needs.unmet(host.traits); !unmet.empty())
      made.hole = unmet_words(host.name, unmet);
    plan.cells.push_back(std::move(made));
  }
}

std::string quoted(const std::string& value) {
  auto mark = value.find('\'') == std::string::npos ? "'" : "\"";
  return mark + value + mark;
}

void add_each_class(submission_plan& plan, const cell& base, const std::vector<host_offer>& hosts) {
  auto needs = parsed_or_none(*base.builder);
  std::set<std::string> seen;
  for (const auto& host : hosts) {
    std::vector<std::string> values, conditions;
    for (const auto& key : base.builder->on.class_keys) {
      auto trait = host.traits.find(key);
      values.push_back(trait == host.traits.end() ? "unknown" : trait->second);
      conditions.push_back(trait == host.traits.end() ? "not " + key
                                                      : key + " == " + quoted(trait->second));
    }
    auto name = join(values, "/");
    if (host.stage == host_stage::retired || !needs.unmet(host.traits).empty()
        || !seen.insert(name).second)
      continue;
    auto made = base;
    made.host_class = name;
    made.class_condition = join(conditions, " and ");
    plan.cells.push_back(std::move(made));
  }
}

/// What is wrong with one order, if anything.
std::optional<failure> problem_of(const farm_config& config, const builder_spec& builder,
                                  const order& asked) {
  if (!source_of_orders(config, builder).empty() && asked.source.kind == source_kind::none)
    return failure{ec::bad_input, "builder '" + builder.name + "' builds from source '"
                                    + builder.source + "': name a file with --source"};
  bool revision = asked.source.kind == source_kind::hg || asked.source.kind == source_kind::git;
  if (revision && asked.source.sha256.empty())
    return failure{ec::bad_input, "builder '" + builder.name
                                    + "': only revisions that a source has noticed can be built"};
  return std::nullopt;
}

std::optional<failure> add_cells(submission_plan& plan, const cell& base,
                                 const std::vector<host_offer>& hosts, const std::string& host) {
  auto kind = base.builder->on.kind;
  if (!host.empty() || kind == placement_kind::any) {
    plan.cells.push_back(base);
    plan.cells.back().host = {host};
    return std::nullopt;
  }
  auto before = plan.cells.size();
  if (kind == placement_kind::each_host)
    add_each_host(plan, base, hosts);
  else
    add_each_class(plan, base, hosts);
  bool some = std::any_of(plan.cells.begin() + static_cast<std::ptrdiff_t>(before),
                          plan.cells.end(), [](const cell& made) { return made.hole.empty(); });
  if (some)
    return std::nullopt;
  return failure{
    ec::conflict,
    "builder '" + base.builder->name + "' runs on each host that serves it ("
      + (base.builder->requirement.empty() ? std::string{"any host"} : base.builder->requirement)
      + "), and this farm knows none"};
}

} // namespace

const builder_spec* find_builder(const farm_config& config, const std::string& name) {
  auto found = std::find_if(config.builders.begin(), config.builders.end(),
                            [&](const builder_spec& builder) { return builder.name == name; });
  return found == config.builders.end() ? nullptr : &*found;
}

expected<submission_plan> plan_submission(const farm_config& config,
                                          const std::vector<host_offer>& hosts,
                                          const std::vector<order>& orders,
                                          const std::string& host) {
  if (orders.empty())
    return failure{ec::bad_input, "the submission names no builder"};
  auto is_known = [&](const host_offer& offer) { return offer.name.value == host; };
  if (!host.empty() && std::none_of(hosts.begin(), hosts.end(), is_known))
    return failure{ec::not_found, "there is no host '" + printable(host, limits::name_bytes_max)
                                    + "' in this farm; `drover hosts` lists them"};
  submission_plan plan;
  for (const auto& asked : orders) {
    const auto* builder = find_builder(config, asked.builder);
    if (builder == nullptr)
      return unknown_builder(config, asked.builder);
    if (auto problem = problem_of(config, *builder, asked))
      return *problem;
    cell base;
    base.builder = builder;
    base.source = asked.source;
    if (auto problem = add_cells(plan, base, hosts, host))
      return *problem;
    if (plan.cells.size() > limits::cells_max)
      return failure{ec::refused, "the submission would make more than "
                                    + std::to_string(limits::cells_max) + " builds at once"};
  }
  plan.is_campaign = plan.cells.size() > 1;
  return plan;
}

bool builds_from(const builder_spec& builder, const std::string& source) {
  const auto& more = builder.more_sources;
  return builder.source == source || std::find(more.begin(), more.end(), source) != more.end();
}

std::string source_of_orders(const farm_config& config, const builder_spec& builder) {
  for (const auto& source : config.sources)
    if (source.name == builder.source && source.kind == source_kind::timer)
      return source.of;
  return builder.source;
}

source_ref campaign_source(const std::vector<order>& orders) {
  std::map<std::string, const source_ref*> distinct;
  for (const auto& asked : orders)
    if (asked.source.kind != source_kind::none)
      distinct.insert(
        {asked.source.id + '\n' + asked.source.sha256 + asked.source.revision, &asked.source});
  if (distinct.empty())
    return {};
  if (distinct.size() == 1)
    return *distinct.begin()->second;
  source_ref set;
  set.kind = source_kind::set;
  for (const auto& [key, source] : distinct) {
    set.id += (set.id.empty() ? "" : " + ") + source->id;
    set.size += source->size;
  }
  return set;
}

} // namespace drover::core
