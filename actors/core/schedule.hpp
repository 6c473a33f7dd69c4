#pragma once
// Who builds what: matches queued builds with hosts, and says why the rest must wait. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "schema/requirement.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// A host as the scheduler sees it.
struct host_offer {
  host_name name;
  host_state state = host_state::lost;
  std::string reason; ///< why it is not up; empty when it is
  uint32_t slots = 0;
  uint32_t used = 0;
  string_map traits;    ///< facts and labels
  wall_time since = {}; ///< when its state became so; 0: not known
  host_stage stage = host_stage::trusted;
};

/// A build that wants a host.
struct queue_entry {
  build_id build;
  std::string requirement_text;
  requirement needs;            ///< parsed `requirement_text`
  host_name pinned;             ///< empty: any host that serves
  std::vector<host_name> avoid; ///< hosts lost under it: only if no other could ever serve
  std::string builder = {};     ///< owners of hosts may allow some only
  bool is_opinion = false;      ///< judges another build, and gives way to all that do not
  bool is_canary = false;       ///< shows how far a host can be trusted: runs on probation too
};

/// A queue in its order, without copies of its entries.
using queue_view = std::vector<const queue_entry*>;

struct placement {
  build_id build;
  host_name host;
  friend bool operator==(const placement&, const placement&) = default;
};

struct plan {
  std::vector<placement> placements;
  std::vector<waiting_view> rest; ///< in queue order, each with its reason
};

/// Places builds in the order of the queue; each goes to the host with the most free slots among
/// those that are up, trusted and serve it (the first by name among equals). A build that can't be
/// placed holds nothing back behind it. Every build of the queue is in exactly one of the two
/// lists, and no host gets more builds than it has free slots. Reasons come from
/// explain/waiting.hpp and tell how things stand once all is placed; those of queued builds tell
/// how many are before them.
plan make_plan(const queue_view& queue, std::vector<host_offer> hosts);
plan make_plan(const std::vector<queue_entry>& queue, std::vector<host_offer> hosts);

/// The placements alone, without the reasons of the rest: what is wanted each time that a slot
/// becomes free. Looks no further once none is.
std::vector<placement> place_builds(const queue_view& queue, std::vector<host_offer> hosts);

/// The entry of a queued build; a requirement that does not parse (it was checked when the config
/// was read) matches no host.
queue_entry to_queue_entry(const build_file& file);

} // namespace drover::core
