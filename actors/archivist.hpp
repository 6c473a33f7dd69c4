#pragma once
// Changes records of builds that are over: whose fault a failure was, that artifacts were dropped.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/blame.hpp"
#include "actors/core/blame_choice.hpp"
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

  /// A red build that later ends may put into another light.
  struct known_red {
    build_record build;
    size_t work = 0;         ///< the mark of its work
    core::blame_reach reach; ///< of ends that it is judged again for
    bool waits = false; ///< the same is being built: its end tells whether an opinion is wanted
  };
  struct judgement {
    core::blame_verdict verdict;
    core::blame_reach reach;
  };

  caf::result<judged> judge(build_id build);
  caf::result<artifacts_gone> drop(const drop_artifacts& order);
  /// Reads once how the newest builds ended, and knows the rest by what it is told.
  void remember(const build_record& build);
  void remember_red(const build_record& build);
  /// The red builds that this end can put into another light.
  std::vector<build_id> concerned(const build_record& end) const;
  void judge_red(build_id id, judged& answer, storage::write_batch& batch);
  judgement weigh(const past_builds::item& red);
  bool are_there(const past_items& builds);
  bool is_built_near(const build_record& red);
  void change(build_record changed, const core::blame_verdict& verdict,
              storage::write_batch& batch);
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  wall_clock clock;
  recorder_actor recorder;
  census_actor census;
  last_activity activity;
  /// The newest red builds. Most ends concern none of them: these cost no search.
  std::map<build_id, known_red> reds;
  bool knows_past = false;
  past_builds past;
};

archivist_actor::behavior_type archivist(archivist_state::pointer self,
                                         const farm_settings& settings, recorder_actor recorder,
                                         census_actor census);

} // namespace drover
