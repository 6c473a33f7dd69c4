#pragma once
// One a process: knows every actor of it and asks all of them; and what actors need to answer it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"

#include <caf/actor_clock.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <optional>

namespace drover {

using actor_moment = caf::actor_clock::time_point;

/// What an actor did last, for its entry in the census.
class last_activity {
public:
  void did(std::string what, actor_moment now);
  /// "log chunk stored, 20 ms ago", or "" if nothing was done yet.
  std::string told(actor_moment now) const;

private:
  std::string what_;
  actor_moment at_{};
};

/// An actor's answer to atom::describe. The census fills in node, parent, restarts and uptime.
actor_entry describe_as(std::string kind, std::string name, std::string state,
                        std::string activity = {});

struct census_state {
  using pointer = census_actor::stateful_pointer<census_state>;
  static inline const char* name = "census";

  struct member {
    enlistment who;
    actor_moment since;
    std::string note;
    std::optional<actor_moment> unanswered_since;
  };
  /// One question to all; answered when the last one has answered or its time is up.
  struct query {
    caf::typed_response_promise<std::vector<actor_entry>> answer;
    size_t open = 0;
    std::vector<actor_entry> entries;
  };

  explicit census_state(pointer actor);
  void enlist(const enlistment& who);
  void take_note(const actor_note& note);
  caf::result<std::vector<actor_entry>> describe();
  void ask(const member& one, const std::shared_ptr<query>& asked);
  void gone(const caf::down_msg& down);
  void complete(actor_entry& entry, const member& one) const;
  /// The entry of an actor that did not answer; none if it is gone meanwhile.
  std::optional<actor_entry> blocked(const std::string& actor_name) const;
  static void answered(query& asked, std::optional<actor_entry> entry);

  pointer self;
  std::string node;
  actor_moment born;
  std::map<std::string, member> members;
  std::map<caf::actor_addr, std::string> names;
  std::map<std::string, uint32_t> crashes; ///< deaths other than a quit, by name
};

/// `node` is "coordinator" or the host's name.
census_actor::behavior_type census(census_state::pointer self, std::string node);

} // namespace drover
