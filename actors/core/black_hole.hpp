#pragma once
// Hosts that fail fast what others pass, and so eat the queue: found by how builds end. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <map>
#include <string>
#include <vector>

namespace drover::core {

/// A build that failed fast on a host.
struct red_build {
  build_id build;
  std::string builder;
  wall_time began;
  int64_t took_ms = 0;
  bool pinned = false;  ///< it can run on no other host
  bool by_farm = false; ///< the farm itself asked for it: it is not repeated again
};

/// How builds ended lately. Grows with builders and hosts, within limits.
struct fault_book {
  struct pass {
    build_id build;
    wall_time ended;
  };
  struct host_page {
    std::string kind;              ///< os and architecture: hosts of one kind can be compared
    std::vector<red_build> streak; ///< since its last build that passed, or failed slowly
    build_id last_red;             ///< what a probe repeats where no canary serves; 0: none
  };
  std::map<host_name, host_page> hosts;
  std::map<std::string, std::map<host_name, pass>> passes; ///< by builder: the newest of each host
};

/// Enters a build that has ended on a host of this kind.
void note_end(fault_book& book, const build_record& build, const std::string& kind);

/// What speaks against a host.
struct black_hole {
  host_name host;
  std::string evidence; ///< one sentence, without the host's name
  std::vector<red_build> streak;
};

/// The hosts that have failed limits::black_hole_streak builds in a row fast, each of which the
/// same builder passed since then on another host of the same kind.
std::vector<black_hole> find_black_holes(const fault_book& book);

/// What a quarantined host has failed fast in a row and nobody has begun again, of these builds of
/// the farm: the coordinator may have died between the verdict and the second tries.
std::vector<red_build> owed_repeats(const host_name& host, std::vector<build_record> known);

/// The host begins anew: it was quarantined for what it did, or let back.
void forget_streak(fault_book& book, const host_name& host);

} // namespace drover::core
