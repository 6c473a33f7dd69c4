#pragma once
// Why a build that wants a host has none: the sentence, and a line of evidence a host. Pure.
//
// The sentence is a predicate ("waits for a free slot on h1 or h2"): it stands alone in a table and
// goes on behind "build 12 of check ".
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// What keeps one host from taking the build.
enum class obstacle : uint8_t {
  busy,    ///< it is up and serves; all its slots are in use
  away,    ///< it serves, but is not up
  unmet,   ///< it does not serve
  avoided, ///< it serves, but was lost under this build, and another can serve
};

/// One host as one build sees it.
struct host_case {
  host_name host;
  obstacle why = obstacle::busy;
  host_state state = host_state::lost;
  std::string reason; ///< why it is not up; empty when it is
  wall_time since;    ///< when it became so; 0: not known
  uint32_t slots = 0;
  uint32_t used = 0;
  std::vector<std::string> unmet; ///< what it lacks
};

/// A build's case: all hosts, or the pinned one alone.
struct waiting_case {
  host_name pinned;             ///< empty: any host that serves
  size_t hosts_known = 0;       ///< of the farm
  std::vector<host_case> hosts; ///< by name
};

/// The state, the sentence and the evidence; `build` is left to the caller.
waiting_view explain_waiting(const waiting_case& told);

/// The sentence with the build's place in the queue: "..., behind 3 builds".
std::string behind(const std::string& sentence, size_t builds_before);

/// "h1 does not serve: class is slow, needs 'fast'".
std::string unmet_words(const host_name& host, const std::vector<std::string>& unmet);

/// "h2, lost since 2026-01-31 12:00:01 UTC (silent for 1 min)".
std::string away_words(const host_case& host);

} // namespace drover::core
