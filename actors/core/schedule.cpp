// SPDX-License-Identifier: Apache-2.0
#include "actors/core/schedule.hpp"

#include "actors/core/canary.hpp"
#include "actors/core/explain/waiting.hpp"
#include "actors/core/owner_rules.hpp"

#include <algorithm>
#include <map>

namespace drover::core {

namespace {

/// How one host relates to one build's wishes, whatever its slots are just now.
struct fit {
  host_offer* host = nullptr;
  std::vector<std::string> unmet; ///< empty: it serves
};

/// What all builds with the same wishes share.
struct wishes {
  std::vector<fit> fits;    ///< every host, or the pinned one
  bool anyone_else = false; ///< a host serves that is not to be avoided
};

bool contains(const std::vector<host_name>& list, const host_name& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string key_of(const queue_entry& entry) {
  auto key = entry.requirement_text + '\n' + entry.pinned.value + '\n' + entry.builder;
  for (const auto& name : entry.avoid)
    key += '\n' + name.value;
  if (entry.is_canary)
    key += "\n\ncanary";
  return key;
}

/// Nobody waits for a host that is retired, unless the build can run nowhere else.
bool counts(const queue_entry& entry, const host_offer& host) {
  if (entry.pinned.value.empty())
    return host.stage != host_stage::retired;
  return host.name == entry.pinned;
}

/// Whether the host gets builds of this kind at all, as things stand.
bool is_open(const queue_entry& entry, const host_offer& host) {
  return host.state == host_state::up && (entry.is_canary || host.stage == host_stage::trusted);
}

wishes consider(const queue_entry& entry, std::vector<host_offer>& hosts) {
  wishes found;
  for (auto& host : hosts) {
    if (!counts(entry, host))
      continue;
    found.fits.push_back({&host, entry.needs.unmet(host.traits)});
    if (auto objection = owner_objection(host.traits, entry.builder))
      found.fits.back().unmet.push_back(*objection);
    found.anyone_else |= found.fits.back().unmet.empty() && !contains(entry.avoid, host.name);
  }
  return found;
}

bool serves(const queue_entry& entry, const wishes& wish, const fit& candidate) {
  if (!candidate.unmet.empty())
    return false;
  return !wish.anyone_else || !contains(entry.avoid, candidate.host->name);
}

host_offer* choose_host(const queue_entry& entry, const wishes& wish) {
  host_offer* best = nullptr;
  for (const auto& candidate : wish.fits) {
    auto* host = candidate.host;
    if (!serves(entry, wish, candidate) || !is_open(entry, *host) || host->used >= host->slots)
      continue;
    if (best == nullptr || host->slots - host->used > best->slots - best->used)
      best = host;
  }
  return best;
}

void sort_by_name(std::vector<host_offer>& hosts) {
  std::sort(hosts.begin(), hosts.end(),
            [](const host_offer& a, const host_offer& b) { return a.name < b.name; });
}

/// A slot for the build, taken from the offer; null if there is none now.
host_offer* take_slot(const queue_entry& entry, std::map<std::string, wishes>& known,
                      std::vector<host_offer>& hosts) {
  auto [wish, is_new] = known.try_emplace(key_of(entry));
  if (is_new)
    wish->second = consider(entry, hosts);
  auto* host = choose_host(entry, wish->second);
  if (host != nullptr)
    ++host->used;
  return host;
}

/// What keeps this host from taking the build.
host_case case_of(const queue_entry& entry, const wishes& wish, const fit& candidate) {
  const auto& host = *candidate.host;
  auto why = obstacle::busy;
  if (!candidate.unmet.empty())
    why = obstacle::unmet;
  else if (!serves(entry, wish, candidate))
    why = obstacle::avoided;
  else if (!is_open(entry, host))
    why = obstacle::away;
  return {host.name,  why,        host.state, host.reason,
          host.since, host.slots, host.used,  candidate.unmet};
}

waiting_view explain(const queue_entry& entry, const wishes& wish, size_t hosts) {
  waiting_case told{entry.pinned, hosts, {}};
  for (const auto& candidate : wish.fits)
    told.hosts.push_back(case_of(entry, wish, candidate));
  return explain_waiting(told);
}

/// Gives each build that stays its reason, once all slots are given away: builds with the same
/// wishes share it, but for their place in the queue.
void explain_rest(const queue_view& rest, std::map<std::string, wishes>& known, size_t hosts,
                  plan& made) {
  std::map<std::string, waiting_view> told;
  size_t before = 0;
  for (const auto* entry : rest) {
    auto key = key_of(*entry);
    auto [view, is_new] = told.try_emplace(key);
    if (is_new)
      view->second = explain(*entry, known.at(key), hosts);
    made.rest.push_back(view->second);
    auto& mine = made.rest.back();
    mine.build = entry->build;
    if (mine.state == build_state::queued)
      mine.reason = behind(mine.reason, before++);
  }
}

/// Of all hosts that are up.
uint64_t free_slots(const std::vector<host_offer>& hosts) {
  uint64_t free = 0;
  for (const auto& host : hosts)
    if (host.state == host_state::up && host.used < host.slots)
      free += host.slots - host.used;
  return free;
}

} // namespace

plan make_plan(const queue_view& queue, std::vector<host_offer> hosts) {
  sort_by_name(hosts);
  std::map<std::string, wishes> known;
  plan made;
  queue_view rest;
  for (const auto* entry : queue)
    if (auto* host = take_slot(*entry, known, hosts))
      made.placements.push_back({entry->build, host->name});
    else
      rest.push_back(entry);
  auto awaited = std::count_if(hosts.begin(), hosts.end(), [](const host_offer& host) {
    return host.stage != host_stage::retired;
  });
  explain_rest(rest, known, static_cast<size_t>(awaited), made);
  return made;
}

plan make_plan(const std::vector<queue_entry>& queue, std::vector<host_offer> hosts) {
  queue_view entries;
  for (const auto& entry : queue)
    entries.push_back(&entry);
  return make_plan(entries, std::move(hosts));
}

std::vector<placement> place_builds(const queue_view& queue, std::vector<host_offer> hosts) {
  sort_by_name(hosts);
  std::map<std::string, wishes> known;
  std::vector<placement> made;
  auto free = free_slots(hosts);
  for (const auto* entry : queue) {
    if (free == 0)
      break;
    if (auto* host = take_slot(*entry, known, hosts)) {
      made.push_back({entry->build, host->name});
      --free;
    }
  }
  return made;
}

queue_entry to_queue_entry(const build_file& file) {
  queue_entry entry{file.build.id,     file.recipe.requirement, {}, file.build.pinned, {},
                    file.build.builder};
  entry.is_opinion = file.build.opinion_of.value != 0;
  entry.is_canary = is_canary_run(file);
  auto parsed = requirement::parse(file.recipe.requirement);
  if (auto* needs = std::get_if<requirement>(&parsed))
    entry.needs = *needs;
  else
    entry.needs = std::get<requirement>(requirement::parse("false_requirement"));
  for (const auto& step : file.steps)
    for (const auto& attempt : step.attempts)
      if (attempt.state == attempt_state::lost && !contains(entry.avoid, attempt.host))
        entry.avoid.push_back(attempt.host);
  return entry;
}

} // namespace drover::core
