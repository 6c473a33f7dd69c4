#pragma once
// One active build: turns core/progress into grants, records and orders.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/progress.hpp"
#include "actors/farm.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

/// What a build needs of the farm.
struct build_context {
  epoch now;
  wall_clock clock;
  recorder_actor recorder;
  log_sink_actor log_sink;
  coordinator_actor coordinator;
  uint64_t artifact_bytes_max = 0; ///< of one build together; 0: no bound
};

/// Every event changes the file, then one batch makes the change durable, then its effects leave:
/// write, then tell. Batches of one build keep their order, and so do their effects.
struct build_actor_state {
  using pointer = build_actor::stateful_pointer<build_actor_state>;
  static inline const char* name = "build";
  explicit build_actor_state(pointer actor) : self{actor} {}

  using effect = std::function<void()>;

  void recover();
  void place(const placed& request);
  void hedge(const hedge_order& request);
  void started(const attempt_started& said);
  void ended(const attempt_ended& said);
  void lost(const attempt_lost& said);
  void stray(const stray_attempt& said);
  void closed(const build_closed& said);
  caf::result<expected<accepted>> cancel(const cancel_build& request);

  /// Takes every move that needs no further event, then commits; `effects` follow the commit.
  void advance(std::vector<effect> effects);
  void release_workspace(std::vector<effect>& effects);
  void grant(const core::grant_step& move, std::vector<effect>& effects);
  void advance_hedge(std::vector<effect>& effects);
  void settle_hedge(std::vector<effect>& effects);
  void order_at(const host_supervisor_actor& host, const grant_token& token);
  void commit(std::vector<effect> effects);
  storage::write_batch changes();
  void order(const grant_token& token);
  void after_end(const attempt_ended& said, core::verdict verdict, std::vector<effect>& effects);
  actor_entry describe() const;

  pointer self;
  build_context farm;
  build_file file;
  build_file stored; ///< as last handed to the recorder
  host_supervisor_actor supervisor;
  host_supervisor_actor hedge_host; ///< of the second seat, while it is open
  bool closing = false;             ///< close_build was ordered for the present placement
  bool ended_all = false;
  std::vector<event_record> told; ///< goes into the journal with the next commit
};

/// Where a build is when its actor begins; null: nowhere.
struct build_seats {
  host_supervisor_actor host;
  host_supervisor_actor hedge; ///< where its second attempt is
};

build_actor::behavior_type build(build_actor_state::pointer self, const build_context& farm,
                                 const build_file& file, build_seats seats);

} // namespace drover
