// What the bot tells: lists, states, reasons. The words of reasons are those of core/explain.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/words.hpp"
#include "actors/core/irc/replies.hpp"
#include "schema/limits_irc.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <map>

namespace drover::core::irc {

namespace {

constexpr size_t changes_told = 5;
constexpr size_t last_told = 4;
constexpr size_t evidence_told = 3;

bool is_over(const build_record& build) {
  return build.state == build_state::finished;
}

/// An end that says something of the source: what was cancelled or skipped does not.
bool is_judged(const build_record& build) {
  return is_over(build) && build.outcome != result::cancelled && build.outcome != result::skipped;
}

bool is_red(const build_record& build) {
  return is_judged(build) && build.outcome != result::success && build.outcome != result::warnings;
}

/// The newest build of each builder that was judged.
std::map<std::string, build_record> newest_judged(const std::vector<build_record>& builds) {
  std::map<std::string, build_record> out;
  for (const auto& build : builds)
    if (is_judged(build))
      out.emplace(build.builder, build);
  return out;
}

bool is_here(const host_view& host) {
  return host.state != host_state::lost && host.last_seen_ms >= 0;
}

std::string with_time(const build_record& build) {
  return build_sentence(build) + " (" + moment_of(build.finished_at) + ")";
}

answer list_builders(const request& asked, const farm_config& config) {
  auto builds = asked.farm.builds({}, limits::irc_builds_searched);
  if (!builds)
    return sorry(builds.error());
  auto newest = newest_judged(*builds);
  std::vector<std::string> told;
  for (const auto& builder : config.builders) {
    auto found = newest.find(builder.name);
    told.push_back(builder.name + " ("
                   + (found == newest.end() ? "not built yet" : plain(found->second.outcome))
                   + ")");
  }
  return says(told.empty() ? "there is no builder" : "builders: " + joined(told, ", "));
}

answer list_hosts(const request& asked) {
  auto hosts = asked.farm.hosts();
  if (!hosts)
    return sorry(hosts.error());
  std::vector<std::string> told;
  for (const auto& host : *hosts)
    told.push_back(host.record.name.value + " (" + std::string{to_string(host.state)} + ")");
  return says(told.empty() ? "there is no host" : "hosts: " + joined(told, ", "));
}

answer list_changes(const request& asked) {
  auto changes = asked.farm.changes({}, changes_told);
  if (!changes)
    return sorry(changes.error());
  answer out;
  for (const auto& change : *changes)
    out.lines.push_back(std::to_string(change.id.value) + " " + change.source + " "
                        + (change.ref.revision.empty() ? "" : change.ref.revision.substr(0, 12))
                        + (change.author.empty() ? "" : " by " + change.author) + ": "
                        + change.title);
  return out.lines.empty() ? says("no source has had a change yet") : out;
}

answer with_evidence(const explanation& why) {
  answer out;
  out.lines.push_back(why.sentence);
  for (size_t i = 0; i < std::min(why.evidence.size(), evidence_told); ++i)
    out.lines.push_back("- " + why.evidence[i]);
  return out;
}

answer status_of(const request& asked, const std::string& builder) {
  auto builds = asked.farm.builds(builder, limits::irc_builds_searched);
  if (!builds)
    return sorry(builds.error());
  answer out;
  for (const auto& build : *builds)
    if (!is_over(build))
      out.lines.push_back(build_sentence(build));
  auto last = std::find_if(builds->begin(), builds->end(), is_over);
  if (last != builds->end())
    out.lines.push_back("last: " + with_time(*last));
  return out.lines.empty() ? says(builder + " was not built yet") : out;
}

answer why_build(const request& asked, build_id id) {
  auto why = asked.farm.why(id);
  return why ? with_evidence(*why) : sorry(why.error());
}

std::optional<answer> why_host(const request& asked, const std::string& name) {
  auto hosts = asked.farm.hosts();
  if (!hosts)
    return sorry(hosts.error());
  for (const auto& host : *hosts)
    if (host.record.name.value == name) {
      auto why = asked.farm.why(host);
      return why ? with_evidence(*why) : sorry(why.error());
    }
  return std::nullopt;
}

} // namespace

std::string moment_of(wall_time when) {
  return core::moment(when);
}

std::string no_builder(const farm_config& config, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& builder : config.builders)
    names.push_back(builder.name);
  return "there is no builder " + in_quotes(name)
         + (names.empty() ? "" : "; there is " + any_of_them(names));
}

answer list_things(const request& asked) {
  auto what = asked.words.empty() ? std::string{} : asked.words[0];
  if (what == "hosts")
    return list_hosts(asked);
  if (what == "changes")
    return list_changes(asked);
  if (what != "builders")
    return says(usage_of("list"));
  auto config = asked.farm.config();
  return config ? list_builders(asked, *config) : sorry(config.error());
}

answer tell_status(const request& asked) {
  auto config = asked.farm.config();
  if (!config)
    return sorry(config.error());
  if (!asked.words.empty()) {
    if (find_builder(*config, asked.words[0]) == nullptr)
      return says(no_builder(*config, asked.words[0]));
    return status_of(asked, asked.words[0]);
  }
  auto builds = asked.farm.builds({}, limits::irc_builds_searched);
  auto hosts = asked.farm.hosts();
  if (!builds || !hosts)
    return sorry(!builds ? builds.error() : hosts.error());
  auto runs = std::count_if(builds->begin(), builds->end(),
                            [](const auto& build) { return build.state == build_state::running; });
  auto open = std::count_if(builds->begin(), builds->end(),
                            [](const auto& build) { return !is_over(build); });
  auto here = std::count_if(hosts->begin(), hosts->end(), is_here);
  answer out;
  out.lines.push_back("running: " + std::to_string(runs) + ", waiting: "
                      + std::to_string(open - runs) + ", hosts here: " + std::to_string(here)
                      + " of " + std::to_string(hosts->size()));
  auto newest = newest_judged(*builds);
  for (const auto& builder : config->builders)
    if (auto found = newest.find(builder.name); found != newest.end() && is_red(found->second))
      out.lines.push_back(build_sentence(found->second));
  if (out.lines.size() == 1)
    out.lines[0] += "; no builder is red";
  return out;
}

answer tell_last(const request& asked) {
  auto builder = asked.words.empty() ? std::string{} : asked.words[0];
  if (!builder.empty()) {
    auto config = asked.farm.config();
    if (!config)
      return sorry(config.error());
    if (find_builder(*config, builder) == nullptr)
      return says(no_builder(*config, builder));
  }
  auto builds = asked.farm.builds(builder, limits::irc_builds_searched);
  if (!builds)
    return sorry(builds.error());
  answer out;
  for (const auto& build : *builds)
    if (is_over(build) && out.lines.size() < last_told)
      out.lines.push_back(with_time(build));
  return out.lines.empty() ? says("no build has ended yet") : out;
}

answer tell_why(const request& asked) {
  if (asked.words.empty())
    return says(usage_of("why"));
  const auto& what = asked.words[0];
  if (auto id = parse_build_id(what))
    return why_build(asked, *id);
  if (auto told = why_host(asked, what))
    return *std::move(told);
  auto config = asked.farm.config();
  if (!config)
    return sorry(config.error());
  if (find_builder(*config, what) == nullptr)
    return says("there is neither a build nor a host nor a builder " + in_quotes(what));
  auto builds = asked.farm.builds(what, 1);
  if (!builds)
    return sorry(builds.error());
  return builds->empty() ? says(what + " was not built yet") : why_build(asked, builds->front().id);
}

answer tell_host(const request& asked) {
  if (asked.words.empty())
    return says(usage_of("host"));
  auto hosts = asked.farm.hosts();
  if (!hosts)
    return sorry(hosts.error());
  for (const auto& host : *hosts) {
    if (host.record.name.value != asked.words[0])
      continue;
    auto why = asked.farm.why(host);
    if (!why)
      return sorry(why.error());
    answer out;
    out.lines.push_back(why->sentence);
    std::vector<std::string> facts;
    for (const auto* fact : {"os", "os_version", "arch", "cpu_model", "cores"})
      if (auto found = host.record.facts.find(fact); found != host.record.facts.end())
        facts.push_back(std::string{fact} + " " + found->second);
    facts.push_back(std::to_string(host.slots_used) + " of " + std::to_string(host.record.slots)
                    + " slots used");
    for (const auto& [label, value] : host.record.labels)
      facts.push_back(label + "=" + value);
    out.lines.push_back(joined(facts, ", "));
    return out;
  }
  return says("there is no host " + in_quotes(asked.words[0]));
}

} // namespace drover::core::irc
