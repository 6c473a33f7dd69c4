// SPDX-License-Identifier: Apache-2.0
#include "actors/census.hpp"

#include "actors/core/census_tree.hpp"
#include "actors/core/explain/words.hpp"
#include "schema/limits.hpp"

#include <caf/stateful_actor.hpp>

#include <chrono>

namespace drover {

namespace {

int64_t ms_between(actor_moment from, actor_moment to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

bool is_crash(const caf::error& reason) {
  return reason && reason != caf::exit_reason::normal && reason != caf::exit_reason::user_shutdown;
}

} // namespace

void last_activity::did(std::string what, actor_moment now) {
  what_ = std::move(what);
  at_ = now;
}

std::string last_activity::told(actor_moment now) const {
  if (what_.empty())
    return {};
  wall_time begin{1}; // only what lies between the two counts
  return what_ + ", " + core::span_between(begin, {begin.ms + ms_between(at_, now)}) + " ago";
}

actor_entry describe_as(std::string kind, std::string name, std::string state,
                        std::string activity) {
  actor_entry entry;
  entry.kind = std::move(kind);
  entry.name = std::move(name);
  entry.state = std::move(state);
  entry.activity = std::move(activity);
  return entry;
}

census_state::census_state(pointer actor) : self{actor}, born{actor->clock().now()} {}

void census_state::enlist(const enlistment& who) {
  self->monitor(who.actor);
  names[who.actor.address()] = who.name;
  members.insert_or_assign(who.name, member{who, self->clock().now(), {}, {}});
}

void census_state::take_note(const actor_note& note) {
  auto found = members.find(note.name);
  if (found != members.end())
    found->second.note = note.state;
}

void census_state::gone(const caf::down_msg& down) {
  auto known = names.find(down.source);
  if (known == names.end())
    return;
  auto gone_name = known->second;
  names.erase(known);
  auto crashed = is_crash(down.reason);
  if (crashed && (crashes.contains(gone_name) || crashes.size() < limits::crashed_names_max))
    ++crashes[gone_name];
  // Its successor may have been enlisted under the same name before this news came.
  auto found = members.find(gone_name);
  if (found == members.end() || found->second.who.actor.address() != down.source)
    return;
  members.erase(found);
  if (!crashed)
    crashes.erase(gone_name);
}

caf::result<std::vector<actor_entry>> census_state::describe() {
  auto asked = std::make_shared<query>();
  asked->answer = self->make_response_promise<std::vector<actor_entry>>();
  auto own = describe_as("census", "census", "counting " + std::to_string(members.size()));
  own.node = node;
  own.uptime_ms = ms_between(born, self->clock().now());
  asked->open = members.size() + 1;
  for (auto& [_, one] : members) {
    if (!one.unanswered_since)
      one.unanswered_since = self->clock().now();
    ask(one, asked);
  }
  auto promise = asked->answer;
  answered(*asked, std::move(own));
  return promise;
}

void census_state::ask(const member& one, const std::shared_ptr<query>& asked) {
  auto address = one.who.actor.address();
  auto actor_name = one.who.name;
  self->request(one.who.actor, limits::census_answer, atom::describe::value)
    .then(
      [this, asked, actor_name, address](actor_entry& entry) {
        auto found = members.find(actor_name);
        if (found == members.end() || found->second.who.actor.address() != address)
          return answered(*asked, std::nullopt);
        found->second.unanswered_since.reset();
        complete(entry, found->second);
        answered(*asked, std::move(entry));
      },
      [this, asked, actor_name](const caf::error&) { answered(*asked, blocked(actor_name)); });
}

void census_state::complete(actor_entry& entry, const member& one) const {
  entry.node = node;
  entry.name = one.who.name;
  entry.kind = one.who.kind;
  entry.parent = one.who.parent;
  entry.uptime_ms = ms_between(one.since, self->clock().now());
  auto crashed = crashes.find(one.who.name);
  entry.restarts = crashed == crashes.end() ? 0 : crashed->second;
}

std::optional<actor_entry> census_state::blocked(const std::string& actor_name) const {
  auto found = members.find(actor_name);
  if (found == members.end())
    return std::nullopt;
  const auto& one = found->second;
  auto silent_since = one.unanswered_since.value_or(self->clock().now());
  actor_entry entry;
  complete(entry, one);
  entry.state = "blocked: " + (one.note.empty() ? "it left no note" : one.note);
  entry.activity =
    "no answer for " + std::to_string(ms_between(silent_since, self->clock().now())) + " ms";
  return entry;
}

void census_state::answered(query& asked, std::optional<actor_entry> entry) {
  if (entry)
    asked.entries.push_back(std::move(*entry));
  if (--asked.open == 0)
    asked.answer.deliver(core::as_tree(std::move(asked.entries)));
}

census_actor::behavior_type census(census_state::pointer self, std::string node) {
  self->state.node = std::move(node);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.gone(down); });
  return {
    [self](const enlistment& who) { self->state.enlist(who); },
    [self](const actor_note& note) { self->state.take_note(note); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
