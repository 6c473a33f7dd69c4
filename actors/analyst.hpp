#pragma once
// Reads tests' results out of what steps printed and of the report files that they left.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/farm.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace drover {

/// Works from the store alone, after a build is over, and keeps what it read there: a restart loses
/// nothing that asking again does not bring back. Reading takes long: real programs give it a
/// thread.
struct analyst_state {
  using pointer = analyst_actor::stateful_pointer<analyst_state>;
  static inline const char* name = "analyst";
  explicit analyst_state(pointer actor) : self{actor} {}

  caf::result<tests_analysed> analyse(build_id build);
  /// What the step's tests said; `dialect` is empty where nothing was recognised.
  test_report read(const build_file& file, const step_record& step) const;
  void read_log(attempt_id attempt, test_report& into) const;
  void read_files(const build_file& file, const std::vector<std::string>& globs,
                  test_report& into) const;
  actor_entry describe() const;

  pointer self;
  std::shared_ptr<storage::store> store;
  report_reader read_report;
  recorder_actor recorder;
  census_actor census;
  last_activity activity;
};

analyst_actor::behavior_type analyst(analyst_state::pointer self, const farm_settings& settings,
                                     recorder_actor recorder, census_actor census);

} // namespace drover
