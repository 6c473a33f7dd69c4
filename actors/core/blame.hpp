#pragma once
// Whose fault a failure is: the code's, the host's, the network's, the environment's, or chance.
// Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/opinion_wish.hpp"
#include "actors/core/schedule.hpp"
#include "actors/core/test_history.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// A finished build as far as its failure can be compared with another's.
struct build_ending {
  build_record build;
  std::string step;              ///< that made it end as it did; empty: none
  int32_t exit_code = -1;        ///< of that step
  std::string error;             ///< the telling line of its log; empty: none was found
  std::vector<test_key> failing; ///< tests that failed, sorted
  std::string platform = {};     ///< of the host as it was then, by `platform_of`; empty: not known
};

/// What a red build can be compared with; whoever makes the case keeps the endings.
struct blame_case {
  const build_ending& red;
  /// Finished, of the same builder, source and parameters, the most telling first: see
  /// blame_choice.hpp.
  std::vector<const build_ending*> same;
  /// Red ones of the same builder, of other sources, newest first.
  std::vector<const build_ending*> earlier;
};

struct blame_verdict {
  blame fault = blame::none; ///< `none`: nobody can tell
  std::string evidence;      ///< one sentence; empty if there is none
  opinion_wish wish = opinion_wish::none;
  friend bool operator==(const blame_verdict&, const blame_verdict&) = default;
};

/// What makes hosts alike for a build: "linux x86_64 debian-12 glibc-2.36".
std::string platform_of(const host_facts& facts);

/// Whether somebody is to blame for this build at all: it is over and red.
bool is_blamable(const build_record& build);

/// Whether it passed, with warnings or without.
bool is_green(const build_record& build);

/// Whether the end tells by itself whose fault it is, whatever became of the same elsewhere.
bool speaks_for_itself(const build_ending& red);

/// The verdict from what is known by now. What machines say of themselves ("No space left on
/// device") and lost hosts speak for themselves; all else is told by the same builds elsewhere.
blame_verdict judge_blame(const blame_case& known);

/// Whether both failed in the same way: in a test that both name; else by the same error but for
/// numbers and folders; without any, by step and exit code.
bool same_failure(const build_ending& a, const build_ending& b);

/// Why no second opinion is asked on this build, whatever its failure says; empty: one may be.
std::string opinion_obstacle(const build_file& red);

/// A host as a place for a second opinion.
struct opinion_host {
  host_offer offer;
  std::string machine_id;
};

/// The host that is up, serves the build and is not the machine on which it failed; of several one
/// of the same platform, of those the one with the most free slots, of those the first by name.
/// Empty: there is none.
host_name choose_opinion_host(const build_file& red, const std::vector<opinion_host>& hosts);

/// The build once more, with the very same recipe, on `on` alone.
build_file make_opinion(const build_file& red, build_id id, const host_name& on, wall_time now);

} // namespace drover::core
