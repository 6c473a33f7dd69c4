#pragma once
// One run of one step on this host: from the workspace through its keeper to the confirmed result.
//
//   preparing -> running -> draining [-> keeping -> draining] -> reporting -> (quits)
//        \__________\________ closing (records an end for which no keeper stands) -> draining
//
// A step with a cache asks it while it is preparing: a hit ends it there. `keeping`: its result is
// handed over for later builds.
//
//
// What it must not forget is in the spool, so that its successor adopts the attempt where it was.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/log_window.hpp"
#include "actors/host.hpp"
#include "actors/ticker.hpp"
#include "schema/limits.hpp"
#include "schema/limits_log.hpp"

namespace drover {

enum class step_phase : uint8_t { preparing, running, closing, draining, keeping, reporting };

/// What a step is given: its work (entered into the spool already) and its neighbours.
struct step_setup {
  assignment work;
  host_settings host;
  host_agent_actor agent;
  workspace_actor workspace;
  spool_actor spool;
  step_cache_actor cache = {}; ///< none: it runs
};

struct step_actor_state {
  using pointer = step_actor::stateful_pointer<step_actor_state>;
  static inline const char* name = "step";

  explicit step_actor_state(pointer actor) : self{actor} {}

  /// Adopts the attempt if its keeper was started before, prepares it otherwise.
  void start();
  void connect(const connected& news);
  void disconnect();
  void log_stored(const log_durable& news);
  void result_stored(const result_durable& news);
  void cancel(const cancel_attempt& order);
  void keeper_gone(const grant_token& token);
  void tick();
  actor_entry describe() const;

  // -- inside --
  void prepare();
  /// Starts the keeper; an exclusive step whose lease is over already waits for the coordinator.
  void run(const prepared& place);
  milliseconds first_lease() const;
  void watch();
  /// The attempt ends without a keeper's account: records `account` in its place, until that works.
  void close(keeper_exit account);
  void ended(const keeper_exit& account);
  void look_at_log();
  /// Says that the command runs, once it has done so for a while.
  void tell_start();
  void drain();
  /// Sends what the window allows.
  void send_log();

  // -- the step cache (step_caching.cpp) --
  bool uses_cache() const;
  void begin(const prepared& place);
  void offer_or_report();
  void add_cache_note(attempt_ended& news) const;
  void leave_cache();

  bool send_span(const core::log_span& span);
  void report();
  int64_t now_ms() const;
  const grant_token& token() const { return setup.work.token; }
  bool online() const { return static_cast<bool>(link); }

  pointer self;
  step_setup setup;
  step_phase phase = step_phase::preparing;
  farm_link_actor link; ///< null while not connected
  core::log_window window{limits::log_piece_bytes, limits::log_flow_bytes};
  uint64_t log_size = 0; ///< as last seen; final once the keeper is gone
  milliseconds poll = limits::log_poll_first;
  milliseconds lease{0};             ///< of the present or last session; at first the farm's own
  std::optional<int64_t> lost_at_ms; ///< since when there is no link, if there was one
  std::optional<prepared> waiting_place; ///< prepared, but not to be started without the link
  wall_time started_at;
  std::optional<int64_t> start_untold_ms; ///< since when it runs, while nobody was told
  bool offered = false; ///< its result was handed to the step cache, or need not be
  std::string not_kept; ///< why the step cache did not take it
  keeper_exit account;  ///< how it ended; valid from `closing` on
  ticker timer;
  last_activity activity;
};

step_actor::behavior_type step(step_actor_state::pointer self, step_setup setup);

} // namespace drover
