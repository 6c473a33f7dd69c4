#pragma once
// Canaries: small builds by which a host on probation is compared with a known-good one. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/schedule.hpp"
#include "schema/test_case.hpp"

#include <map>
#include <string>
#include <vector>

namespace drover::core {

/// Looks at what builds need of any machine: compiler, clock, disk, sorting, checksums. Needs
/// nothing but a POSIX shell and its tools.
builder_spec shipped_canary();

/// The farm asked for this build to see how its canary ends on the host that it is pinned to.
bool is_canary_run(const build_file& file);

/// What a host must pass to be trusted: the builders that are marked, need no source, serve the
/// host and are allowed by its owner; if there are none, the one that is shipped.
std::vector<builder_spec> canaries_for(const farm_config& config, const string_map& traits);

/// The canary as a build for `host` alone; its id is given by the caller.
build_file make_canary(const builder_spec& canary, const host_name& host, const std::string& why,
                       wall_time now);

/// How a canary ended.
struct canary_end {
  build_id build;
  std::string builder;
  host_name host;
  result outcome = result::none;
  std::map<std::string, result> steps;      ///< by name
  std::map<std::string, test_report> tests; ///< by step; those in which tests were found
  std::string why;                          ///< it ended so, one sentence
};
canary_end end_of_canary(const build_file& file, std::map<std::string, test_report> tests);

/// Whether it tells anything of its host: one that was cancelled, or lost, does not.
bool is_telling(const canary_end& end);

enum class proof : uint8_t { none, given, denied };
struct canary_verdict {
  proof how = proof::none;
  std::string sentence; ///< what proves the host, or what differs
};
/// The host's own end against that of a known-good peer. `peer`: null if there is none for the
/// reason in `alone`; then it must pass.
canary_verdict judge_canary(const canary_end& own, const canary_end* peer,
                            const std::string& alone);

// -- peers ---------------------------------------------------------------------------------------

/// A host as a peer of a newcomer.
struct peer_offer {
  host_offer offer;
  std::string machine_id;
  bool was_here = false; ///< it has joined before, so it may come back
};

/// "linux/x86_64": hosts of one kind can be compared.
std::string kind_of_host(const string_map& facts);

/// The peer to run a canary; without one: whether one may become free, else why there is none.
struct peer_choice {
  host_name host;
  bool may_come = false;
  std::string alone;
};
/// A trusted host of the newcomer's kind that serves the canary, up and with a free slot; of
/// several one that is another machine, of those the one with the most free slots, then the first
/// by name.
peer_choice choose_peer(const builder_spec& canary, const peer_offer& newcomer,
                        const std::vector<peer_offer>& hosts);

} // namespace drover::core
