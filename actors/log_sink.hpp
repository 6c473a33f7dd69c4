#pragma once
// Puts each attempt's output into order, into the store, and says what is durable.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/seal_queue.hpp"
#include "actors/farm.hpp"
#include "actors/ticker.hpp"
#include "storage/tables.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace drover {

/// Writes go through the recorder; only their order and their confirmation are kept here. A chunk
/// that leaves a gap is dropped and answered with what is durable, so that the host goes back
/// there; a chunk that is known already is answered and not written again. Whole pieces are
/// gathered for a moment: a commit and an answer for several of them. Logs are sealed while little
/// comes in (core/seal_queue.hpp), those that an earlier run left as well.
struct log_sink_state {
  using pointer = log_sink_actor::stateful_pointer<log_sink_state>;
  static inline const char* name = "log_sink";
  explicit log_sink_state(pointer actor) : self{actor} {}

  struct waiter {
    uint64_t above = 0;
    caf::actor_clock::time_point until;
    caf::typed_response_promise<uint64_t> promise;
  };

  /// What is durable once the pieces that were gathered are.
  struct gathered_log {
    grant_token token;
    uint64_t end = 0;
    caf::typed_actor<caf::reacts_to<log_durable>> origin;
  };

  struct open_log {
    uint64_t queued = 0;  ///< handed to the recorder
    uint64_t durable = 0; ///< confirmed by it
    std::vector<waiter> waiters;
  };

  void append(log_append& request);
  void gather(const log_append& request, uint64_t end);
  void store_gathered();
  void confirm(const grant_token& token, uint64_t durable,
               const caf::typed_actor<caf::reacts_to<log_durable>>& origin);
  caf::result<uint64_t> wait(const log_wait& request);
  void seal(attempt_id attempt);
  void find_unsealed();
  void look();
  void seal_some();
  std::optional<storage::write_batch> take_segment(const core::seal_task& task);
  void expire();
  void arm();
  actor_entry describe() const;

  /// The log's place in memory, read from the store when it is first touched; null if unreadable.
  open_log* open(attempt_id attempt);

  pointer self;
  std::shared_ptr<storage::store> store;
  recorder_actor recorder;
  std::map<attempt_id, open_log> logs;
  core::seal_queue seals;
  bool searched = false;        ///< for what an earlier run left
  std::set<attempt_id> earlier; ///< of an earlier run, and not over when it was searched for
  bool sealing = false;         ///< a batch of segments is on its way
  ticker looks;
  storage::write_batch gathered;
  std::vector<gathered_log> gathered_logs;
  size_t gathered_bytes = 0;
  ticker gathering;
  core::store_room_probe room;
};

log_sink_actor::behavior_type log_sink(log_sink_state::pointer self, const farm_settings& settings,
                                       recorder_actor recorder);

} // namespace drover
