// SPDX-License-Identifier: Apache-2.0
#include "actors/core/schedule.hpp"

#include "schema/names.hpp"

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
  auto key = entry.requirement_text + '\n' + entry.pinned.value;
  for (const auto& name : entry.avoid)
    key += '\n' + name.value;
  return key;
}

wishes consider(const queue_entry& entry, std::vector<host_offer>& hosts) {
  wishes found;
  for (auto& host : hosts) {
    if (!entry.pinned.value.empty() && host.name != entry.pinned)
      continue;
    found.fits.push_back({&host, entry.needs.unmet(host.traits)});
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
    if (!serves(entry, wish, candidate) || host->state != host_state::up
        || host->used >= host->slots)
      continue;
    if (best == nullptr || host->slots - host->used > best->slots - best->used)
      best = host;
  }
  return best;
}

std::string slots_of(const host_offer& host) {
  return std::to_string(host.used) + " of " + std::to_string(host.slots) + " slots in use";
}

std::string state_of(const host_offer& host) {
  if (host.state == host_state::up)
    return host.name.value + " is up, " + slots_of(host);
  auto text = host.name.value + " is " + std::string{to_string(host.state)};
  return host.reason.empty() ? text : text + ": " + host.reason;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string all;
  for (const auto& part : parts)
    all += (all.empty() ? "" : separator) + part;
  return all;
}

/// One line a host: the nearest miss first, then by name.
std::vector<std::string> evidence_of(const queue_entry& entry, const wishes& wish) {
  auto fits = wish.fits;
  std::stable_sort(fits.begin(), fits.end(),
                   [](const fit& a, const fit& b) { return a.unmet.size() < b.unmet.size(); });
  std::vector<std::string> lines;
  for (const auto& candidate : fits) {
    if (!candidate.unmet.empty())
      lines.push_back(candidate.host->name.value
                      + " does not serve: " + joined(candidate.unmet, "; "));
    else if (!serves(entry, wish, candidate))
      lines.push_back(candidate.host->name.value + " was lost under this build");
    else
      lines.push_back(state_of(*candidate.host));
  }
  return lines;
}

waiting_view explain(const queue_entry& entry, const wishes& wish, size_t hosts) {
  waiting_view view{entry.build, build_state::waiting, {}, evidence_of(entry, wish)};
  std::vector<std::string> busy, away;
  for (const auto& candidate : wish.fits)
    if (serves(entry, wish, candidate))
      (candidate.host->state == host_state::up ? busy : away)
        .push_back(candidate.host->state == host_state::up ? candidate.host->name.value
                                                           : state_of(*candidate.host));
  if (hosts == 0)
    view.reason = "no host has joined this farm yet";
  else if (wish.fits.empty())
    view.reason = "waits for " + entry.pinned.value + ", a host that this farm does not know";
  else if (!busy.empty()) {
    view.state = build_state::queued;
    view.reason = "waits for a free slot on " + joined(busy, ", ")
                  + (away.empty() ? "" : " (" + joined(away, "; ") + ")");
  } else if (!away.empty())
    view.reason =
      (away.size() == 1 ? "waits for its only host: " : "every host that serves it is away: ")
      + joined(away, "; ");
  else
    view.reason = "no host serves it; the nearest miss: " + view.evidence.front();
  return view;
}

} // namespace

plan make_plan(const std::vector<queue_entry>& queue, std::vector<host_offer> hosts) {
  std::sort(hosts.begin(), hosts.end(),
            [](const host_offer& a, const host_offer& b) { return a.name < b.name; });
  std::map<std::string, wishes> known;
  plan made;
  for (const auto& entry : queue) {
    auto [wish, is_new] = known.try_emplace(key_of(entry));
    if (is_new)
      wish->second = consider(entry, hosts);
    if (auto* host = choose_host(entry, wish->second)) {
      ++host->used;
      made.placements.push_back({entry.build, host->name});
    } else {
      made.rest.push_back(explain(entry, wish->second, hosts.size()));
    }
  }
  return made;
}

queue_entry to_queue_entry(const build_file& file) {
  queue_entry entry{file.build.id, file.recipe.requirement, {}, file.build.pinned, {}};
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
