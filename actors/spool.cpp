// SPDX-License-Identifier: Apache-2.0
#include "actors/spool.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

void spool_state::start() {
  auto now = clock();
  for (const auto& attempt : port->list()) {
    if (!attempt.confirmed)
      continue;
    // Wall time, since the actors' clock does not survive a restart; a wall clock that jumped makes
    // the wait at most as long as it is for a fresh one.
    auto age = milliseconds{now.ms - attempt.confirmed_at.ms};
    keep(attempt.work.token,
         std::clamp(limits::spool_kept - age, milliseconds{0}, limits::spool_kept));
  }
  arm();
}

void spool_state::confirmed(const result_durable& news) {
  if (!port->is_confirmed(news.token)) {
    if (!port->find(news.token))
      return;
    port->confirm(news.token, clock());
  }
  if (kept.contains(news.token))
    return;
  keep(news.token, limits::spool_kept);
  if (!timer.armed()) // what came before goes before
    arm();
}

void spool_state::keep(const grant_token& token, milliseconds time) {
  if (kept.insert(token).second)
    due.emplace(self->clock().now() + time, token);
}

void spool_state::arm() {
  if (due.empty())
    return;
  auto wait = due.begin()->first - self->clock().now();
  timer.arm(self, std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(wait)));
}

void spool_state::remove_due() {
  auto now = self->clock().now();
  while (!due.empty() && due.begin()->first <= now) {
    auto token = due.begin()->second;
    due.erase(due.begin());
    kept.erase(token);
    port->forget(token);
    activity.did("removed attempt " + to_string(token.attempt), now);
    spdlog::debug("attempt={} removed from the spool", to_string(token.attempt));
  }
  arm();
}

actor_entry spool_state::describe() const {
  return describe_as("spool", "spool", "keeping " + std::to_string(kept.size()) + " confirmed",
                     activity.told(self->clock().now()));
}

spool_actor::behavior_type spool(spool_state::pointer self, std::shared_ptr<spool_port> port,
                                 wall_clock clock) {
  self->state.port = std::move(port);
  self->state.clock = std::move(clock);
  self->state.start();
  return {
    [self](const result_durable& news) { self->state.confirmed(news); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.remove_due();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
