// What a host's supervisor shows to people.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"
#include "actors/core/holds.hpp"
#include "actors/core/owner_rules.hpp"
#include "actors/host_supervisor.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover {

host_view host_supervisor_state::view() const {
  host_view seen;
  seen.record = record;
  seen.state = state;
  seen.reason = reason;
  if (state == host_state::up && record.hold.kind != hold_kind::none) {
    seen.state = core::held_state(record.hold.kind);
    seen.reason = core::hold_sentence(record.hold);
  } else if (auto closed = record.facts.find(core::owner_closed_fact);
             state == host_state::up && closed != record.facts.end()) {
    seen.state = host_state::draining;
    seen.reason = closed->second;
  }
  seen.last_seen_ms = ever_heard ? (now() - heard).count() : -1;
  for (const auto& [token, open] : orders)
    seen.attempts.push_back(token.attempt);
  return seen;
}

void host_supervisor_state::announce() {
  auto seen = view();
  if (core::is_told(told, seen.state)) {
    storage::write_batch batch;
    batch.events.push_back(core::host_event(record.name, seen.state, seen.reason, farm.clock()));
    self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
    told = seen.state;
  }
  self->send(farm.coordinator, host_news{std::move(seen)});
}

actor_entry host_supervisor_state::describe() const {
  actor_entry entry;
  entry.name = "host_supervisor/" + record.name.value;
  entry.kind = name;
  entry.state = std::string{to_string(state)};
  if (!reason.empty())
    entry.state += ": " + reason;
  else if (auto open = std::find_if(orders.begin(), orders.end(),
                                    [](const auto& one) { return !one.second.confirmed; });
           open != orders.end())
    entry.state +=
      ", waits for " + record.name.value + " to confirm attempt " + to_string(open->first.attempt);
  entry.activity = std::to_string(orders.size()) + " attempts ordered, heard "
                   + core::spoken(now() - heard) + " ago";
  return entry;
}

caf::result<std::vector<actor_entry>> host_supervisor_state::census(const census_ask&) {
  auto promise = self->make_response_promise<std::vector<actor_entry>>();
  open_census open{++last_query, promise, now() + 2 * limits::census_answer};
  if (!link)
    answer_census(open, last_census);
  else {
    censuses.push_back(open);
    tell(census_ask{open.query});
    look_again();
  }
  return promise;
}

void host_supervisor_state::answer_census(open_census& open, std::vector<actor_entry> actors) {
  auto silent = core::spoken(now() - heard);
  if (actors.empty() && ever_heard) { // it fell silent before anybody asked
    actor_entry unknown;
    unknown.node = record.name.value;
    unknown.name = unknown.kind = "host_agent";
    unknown.state = "has not told of its actors yet";
    actors.push_back(std::move(unknown));
  }
  for (auto& actor : actors)
    actor.activity = "as last heard: " + record.name.value + " has been silent for " + silent;
  open.promise.deliver(std::move(actors));
}

} // namespace drover
