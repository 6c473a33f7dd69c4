// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/waiting.hpp"

#include "actors/core/explain/words.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

/// The reason without the host's name, which stands before it.
std::string bare_reason(const host_case& host) {
  auto text = host.reason;
  for (const auto& start : {host.host.value + " has been ", host.host.value + " "})
    if (text.compare(0, start.size(), start) == 0)
      return text.substr(start.size());
  return text;
}

std::string state_words(const host_case& host) {
  switch (host.state) {
  case host_state::joining:
    return "not joined";
  case host_state::up:
    return host.why == obstacle::away ? "on probation" : "up";
  case host_state::suspect:
    return "silent";
  case host_state::lost:
    return "lost";
  case host_state::draining:
    return "draining";
  case host_state::paused:
    return "paused";
  case host_state::quarantined:
    return "quarantined";
  }
  return "away";
}

/// What brings the host back; empty where nobody need do anything.
std::string remedy(const host_case& host) {
  const auto& name = host.host.value;
  switch (host.state) {
  case host_state::joining:
  case host_state::lost:
    return "start drover-host on " + name;
  case host_state::draining:
  case host_state::paused:
    if (host.reason.compare(0, 6, "unwell") == 0)
      return "it takes builds again by itself once it is well";
    return "`drover host " + name + " resume` lets it go on";
  case host_state::quarantined:
    return "it comes back when a probe build passes there, see `drover why " + name + "`";
  case host_state::up:
    return "it takes builds once a canary has passed there, see `drover why " + name + "`";
  case host_state::suspect:
    break;
  }
  return {};
}

std::string evidence_line(const host_case& host) {
  switch (host.why) {
  case obstacle::unmet:
    return unmet_words(host.host, host.unmet);
  case obstacle::avoided:
    return host.host.value + " was lost under this build, which avoids it while another can serve";
  case obstacle::busy:
    return host.host.value + " is up, " + std::to_string(host.used) + " of "
           + std::to_string(host.slots) + " slots in use";
  case obstacle::away:
    return one_line(away_words(host));
  }
  return host.host.value;
}

/// The nearest miss first, then by name.
std::vector<const host_case*> by_nearness(const waiting_case& told) {
  std::vector<const host_case*> order;
  for (const auto& host : told.hosts)
    order.push_back(&host);
  std::stable_sort(order.begin(), order.end(), [](const host_case* a, const host_case* b) {
    return a->unmet.size() < b->unmet.size();
  });
  return order;
}

std::vector<const host_case*> those(const waiting_case& told, obstacle why) {
  std::vector<const host_case*> found;
  for (const auto& host : told.hosts)
    if (host.why == why)
      found.push_back(&host);
  return found;
}

std::string slot_words(const std::vector<const host_case*>& busy) {
  if (std::all_of(busy.begin(), busy.end(), [](const auto* host) { return host->slots == 0; }))
    return "waits for a host with a slot: " + busy.front()->host.value + " has none";
  std::vector<std::string> names;
  for (const auto* host : busy)
    names.push_back(host->host.value);
  return "waits for a free slot on " + any_of_them(names);
}

std::string away_sentence(const waiting_case& told, const std::vector<const host_case*>& away) {
  if (away.size() == 1) {
    auto what = told.pinned.value.empty() ? "its only host " : "its host ";
    auto cure = remedy(*away.front());
    return "waits for " + (what + away_words(*away.front())) + (cure.empty() ? "" : "; " + cure);
  }
  std::vector<std::string> parts;
  for (const auto* host : away)
    if (parts.size() < limits::sentence_hosts_max)
      parts.push_back(away_words(*host));
  auto more = away.size() > parts.size()
                ? "; and " + std::to_string(away.size() - parts.size()) + " more"
                : std::string{};
  return "waits, for each of the " + std::to_string(away.size())
         + " hosts that serve it is away: " + joined(parts, "; ") + more;
}

std::string unserved_sentence(const waiting_case& told, const host_case& nearest) {
  auto misses = joined(nearest.unmet, "; ");
  if (!told.pinned.value.empty())
    return "waits for its host " + nearest.host.value + ", which does not serve it: " + misses
           + "; change its labels or the builder's `requires`";
  return "waits for a host that serves it: there is none; the nearest miss is " + nearest.host.value
         + ": " + misses + "; add such a host, or change the builder's `requires`";
}

} // namespace

std::string unmet_words(const host_name& host, const std::vector<std::string>& unmet) {
  return one_line(host.value + " does not serve: " + joined(unmet, "; "));
}

std::string away_words(const host_case& host) {
  auto text = host.host.value + ", " + state_words(host);
  bool dated = host.reason.find(" since ") != std::string::npos; // a hold tells its date itself
  if (host.since.ms != 0 && !dated)
    text += " since " + moment(host.since);
  auto why = bare_reason(host);
  return why.empty() ? text : text + " (" + why + ")";
}

waiting_view explain_waiting(const waiting_case& told) {
  waiting_view view;
  view.state = build_state::waiting;
  auto order = by_nearness(told);
  for (const auto* host : order) {
    if (view.evidence.size() == limits::evidence_hosts_max) {
      view.evidence.push_back("and " + counted(order.size() - view.evidence.size(), "more host"));
      break;
    }
    view.evidence.push_back(evidence_line(*host));
  }
  auto busy = those(told, obstacle::busy);
  auto away = those(told, obstacle::away);
  if (told.hosts_known == 0)
    view.reason = "waits for a host: none has joined this farm yet; start drover-host on a machine";
  else if (told.hosts.empty())
    view.reason = "waits for its host " + told.pinned.value
                  + ", which this farm does not know; start drover-host there, or cancel the build";
  else if (!busy.empty()) {
    view.state = build_state::queued;
    view.reason = slot_words(busy);
    if (!away.empty())
      view.reason += "; " + away_words(*away.front())
                     + (away.size() == 1 ? " would serve it as well"
                                         : " and " + std::to_string(away.size() - 1)
                                             + " more would serve it as well");
  } else if (!away.empty()) {
    view.reason = away_sentence(told, away);
  } else {
    view.reason = unserved_sentence(told, *order.front());
  }
  view.reason = one_line(view.reason);
  return view;
}

std::string behind(const std::string& sentence, size_t builds_before) {
  if (builds_before == 0)
    return sentence;
  auto place = ", behind " + counted(builds_before, "build");
  auto pause = sentence.find(';');
  if (pause == std::string::npos)
    return one_line(sentence + place);
  return one_line(sentence.substr(0, pause) + place + sentence.substr(pause));
}

} // namespace drover::core
