// A step and the step cache: asks before it runs, offers its result after it has ended well.
// SPDX-License-Identifier: Apache-2.0
#include "actors/step.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace drover {

bool step_actor_state::uses_cache() const {
  return setup.work.step.cache.on && setup.cache && setup.host.cache;
}

/// The workspace stands: the kept result takes the place of a run, or the step runs.
void step_actor_state::begin(const prepared& place) {
  if (!uses_cache())
    return run(place);
  auto began = setup.host.clock();
  activity.did("asks the step cache", self->clock().now());
  // Infinite: hashing takes as long as it takes, all waiting for the farm is bounded there, and if
  // that actor dies, the agent replaces this step as well.
  self->request(setup.cache, caf::infinite, cache_lookup{setup.work, place})
    .then(
      [this, place, began](const cache_looked& looked) {
        if (phase != step_phase::preparing)
          return;
        if (looked.what == cache_looked::verdict::run)
          return run(place);
        keeper_exit end;
        end.started_at = began;
        end.finished_at = setup.host.clock();
        end.outcome =
          looked.what == cache_looked::verdict::hit ? result::success : result::exception;
        if (end.outcome == result::success)
          end.exit_code = 0;
        else
          end.reason = "a kept result was restored in part: " + looked.note;
        spdlog::info("attempt={} result reused {}", to_string(token().attempt), looked.note);
        close(std::move(end));
      },
      [this](const caf::error&) {
        activity.did("lost the step cache, waits to be replaced", self->clock().now());
      });
}

/// Its log is stored. What ran well is kept before it is reported: the next step may change it.
void step_actor_state::offer_or_report() {
  bool good = account.outcome == result::success && account.exit_code == 0;
  auto memo = uses_cache() ? setup.host.cache->memo_of(token()) : std::nullopt;
  if (offered || !good || !memo || !memo->keeps)
    return report();
  phase = step_phase::keeping;
  activity.did("hands its result to the step cache", self->clock().now());
  // Infinite: as above.
  self->request(setup.cache, caf::infinite, cache_offer{setup.work})
    .then(
      [this](const cache_offered& done) {
        if (phase != step_phase::keeping)
          return;
        offered = true;
        not_kept = done.note;
        phase = step_phase::draining;
        drain(); // the farm may have restarted meanwhile, and lack some of the log
      },
      [this](const caf::error&) {
        activity.did("lost the step cache, waits to be replaced", self->clock().now());
      });
}

/// What the farm shows of the cache with the attempt.
void step_actor_state::add_cache_note(attempt_ended& news) const {
  auto memo = uses_cache() ? setup.host.cache->memo_of(token()) : std::nullopt;
  if (!memo)
    return;
  news.reused_from = memo->reused_from;
  news.cache_note = memo->note;
  if (!not_kept.empty())
    news.cache_note += "; its result is not kept: " + not_kept;
  news.cache_note = printable(news.cache_note, limits::reason_bytes_max);
}

/// The farm does not want the step any more.
void step_actor_state::leave_cache() {
  if (uses_cache())
    self->send(setup.cache, cache_forget{token()});
}

} // namespace drover
