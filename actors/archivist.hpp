#pragma once
// Changes records of builds that are over: whose fault a failure was, that artifacts were dropped.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/blame.hpp"
#include "actors/farm.hpp"
#include "actors/past_builds.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>

namespace drover {

/// Works from the store alone and looks into logs: real programs give it a thread. One order at a
/// time: the next one is looked at when what the last one changed is durable, so that no change of
/// a record is lost under another.
struct archivist_state {
  using pointer = archivist_actor::stateful_pointer<archivist_state>;
  static inline const char* name = "archivist";
  explicit archivist_state(pointer actor) : self{actor} {}

  using past_items = std::vector<past_builds::item>;

  caf::result<judged> judge(build_id build);
  caf::result<artifacts_gone> drop(const drop_artifacts& order);
  core::blame_case gather(const past_builds::item& red, const past_items& same,
                          const past_items& others);
  void change(const build_record& red, const core::blame_verdict& verdict,
              storage::write_batch& batch);
  /// Reads once which builds near the newest are red, and knows the rest by what it judges.
  void remember(const build_record& build);
  /// Whether anything red that is still compared was built from the same.
  bool concerns_a_red(const build_record& build) const;
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  wall_clock clock;
  recorder_actor recorder;
  census_actor census;
  last_activity activity;
  /// Red builds that the next end may put into another light. Most ends are green and concern none:
  /// these cost no search through the store.
  std::map<build_id, build_record> reds;
  bool knows_reds = false;
  past_builds past;
};

archivist_actor::behavior_type archivist(archivist_state::pointer self,
                                         const farm_settings& settings, recorder_actor recorder,
                                         census_actor census);

} // namespace drover
