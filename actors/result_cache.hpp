#pragma once
// Which results of steps are kept, for what, and for how long; the coordinator's side of the cache.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/farm.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

/// Holds nothing in memory: the store is asked each time, as questions are rare. It reads the disk,
/// so real programs give it its own thread.
struct result_cache_state {
  using pointer = result_cache_actor::stateful_pointer<result_cache_state>;
  static inline const char* name = "result_cache";
  explicit result_cache_state(pointer actor) : self{actor} {}

  cache_answer answer(const cache_question& question);
  caf::result<cache_kept> file(const cache_filing& filing);
  void damaged(const cache_damaged& news);
  caf::result<expected<accepted>> drop(const cache_drop& order);
  actor_entry describe() const;

  // -- inside --
  /// What counts: the host's word for its files, the farm's for everything else.
  string_map parts_of(const cache_subject& subject) const;
  /// Why this entry is no hit for the host; empty if it is.
  std::string unfit(const cache_record& entry, const host_name& asking);
  bool is_trusted(const host_name& host) const;
  int64_t took_ms(const grant_token& token) const;
  std::vector<cache_record> all_entries() const;
  void forget(const cache_record& entry, const std::string& why);
  void write(storage::write_batch batch);

  pointer self;
  std::shared_ptr<storage::store> store;
  wall_clock clock;
  recorder_actor recorder;
  uint64_t hits = 0, misses = 0;
  last_activity activity;
};

result_cache_actor::behavior_type result_cache(result_cache_state::pointer self,
                                               const farm_settings& settings,
                                               recorder_actor recorder);

} // namespace drover
