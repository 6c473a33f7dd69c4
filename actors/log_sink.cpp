// SPDX-License-Identifier: Apache-2.0
#include "actors/log_sink.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/actor_clock.hpp>
#include <spdlog/spdlog.h>

namespace drover {

log_sink_state::open_log* log_sink_state::open(attempt_id attempt) {
  if (auto known = logs.find(attempt); known != logs.end())
    return &known->second;
  auto size = storage::log_size(*store, attempt);
  if (!size) {
    spdlog::error("log unreadable attempt={} reason=\"{}\"", to_string(attempt), size.error().text);
    return nullptr;
  }
  return &logs.emplace(attempt, open_log{*size, *size, *size, {}}).first->second;
}

void log_sink_state::append(log_append& request) {
  if (room && core::judge(room()) != core::room_level::plenty)
    return; // not confirmed: the host keeps it, and says it again
  auto& chunk = request.chunk;
  auto attempt = chunk.token.attempt;
  auto* log = open(attempt);
  if (log == nullptr)
    return;
  auto end = chunk.offset + chunk.bytes.size();
  // A host that keeps to its window never has as much unconfirmed.
  bool too_much = end - log->durable > limits::log_unstored_max && end > log->queued;
  if (chunk.offset > log->queued || end <= log->queued || too_much) {
    self->send(request.origin, log_durable{chunk.token, log->durable});
    return;
  }
  std::string_view fresh{chunk.bytes};
  fresh.remove_prefix(log->queued - chunk.offset);
  storage::write_batch batch;
  storage::put_log_chunk(batch, attempt, log->queued, fresh);
  log->queued = end;
  self
    ->request(recorder, caf::infinite, std::move(batch)) // same process; its silence is fatal
    .then([this, token = chunk.token, end, origin = request.origin](recorded) {
      confirm(token, end, origin);
    });
}

void log_sink_state::confirm(const grant_token& token, uint64_t durable,
                             const caf::typed_actor<caf::reacts_to<log_durable>>& origin) {
  self->send(origin, log_durable{token, durable});
  auto known = logs.find(token.attempt);
  if (known == logs.end())
    return;
  auto& log = known->second;
  log.durable = std::max(log.durable, durable);
  std::erase_if(log.waiters, [&](waiter& one) {
    if (log.durable <= one.above)
      return false;
    one.promise.deliver(log.durable);
    return true;
  });
  if (log.durable - log.sealed_near >= limits::log_segment_bytes) {
    log.sealed_near = log.durable;
    seal_some(token.attempt, storage::remainder::leave);
  }
}

caf::result<uint64_t> log_sink_state::wait(const log_wait& request) {
  auto* log = open(request.attempt);
  if (log == nullptr || log->durable > request.above || request.patience.count() <= 0)
    return log == nullptr ? 0 : log->durable;
  auto promise = self->make_response_promise<uint64_t>();
  log->waiters.push_back({request.above, self->clock().now() + request.patience, promise});
  if (!std::exchange(ticking, true))
    self->delayed_send(self, limits::wait_granularity, atom::tick::value);
  return promise;
}

void log_sink_state::expire() {
  ticking = false;
  auto now = self->clock().now();
  for (auto& [attempt, log] : logs) {
    std::erase_if(log.waiters, [&, size = log.durable](waiter& one) {
      if (one.until > now)
        return false;
      one.promise.deliver(size);
      return true;
    });
    ticking |= !log.waiters.empty();
  }
  if (ticking)
    self->delayed_send(self, limits::wait_granularity, atom::tick::value);
}

void log_sink_state::seal_some(attempt_id attempt, storage::remainder rest) {
  auto batch = storage::seal_log(*store, attempt, rest);
  if (!batch) {
    spdlog::error("log not sealed attempt={} reason=\"{}\"", to_string(attempt),
                  batch.error().text);
    return;
  }
  if (batch->empty())
    return;
  self->request(recorder, caf::infinite, std::move(*batch)).then([this, attempt, rest](recorded) {
    if (rest == storage::remainder::seal)
      seal_some(attempt, rest);
  });
}

void log_sink_state::seal(attempt_id attempt) {
  if (auto known = logs.find(attempt); known != logs.end()) {
    for (auto& one : known->second.waiters)
      one.promise.deliver(known->second.durable);
    logs.erase(known);
  }
  seal_some(attempt, storage::remainder::seal);
}

actor_entry log_sink_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  uint64_t pending = 0;
  for (const auto& [attempt, log] : logs)
    pending += log.queued - log.durable;
  entry.state = pending == 0
                  ? "idle"
                  : "waits for the recorder to confirm " + std::to_string(pending) + " bytes";
  entry.activity = std::to_string(logs.size()) + " open logs";
  return entry;
}

log_sink_actor::behavior_type log_sink(log_sink_state::pointer self, const farm_settings& settings,
                                       recorder_actor recorder) {
  self->state.store = settings.store;
  self->state.recorder = std::move(recorder);
  self->state.room = settings.room;
  return {
    [self](log_append& request) { self->state.append(request); },
    [self](const log_wait& request) { return self->state.wait(request); },
    [self](atom::seal, attempt_id attempt) { self->state.seal(attempt); },
    [self](atom::tick) { self->state.expire(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
