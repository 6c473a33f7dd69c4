// SPDX-License-Identifier: Apache-2.0
#include "actors/log_sink.hpp"

#include "schema/limits.hpp"
#include "schema/limits_log.hpp"
#include "schema/names.hpp"
#include "storage/unsealed.hpp"

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
  return &logs.emplace(attempt, open_log{*size, *size, {}}).first->second;
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
  // A host that keeps to its window never has more unconfirmed.
  static_assert(limits::log_flow_bytes <= limits::log_unstored_max);
  bool too_much = end - log->durable > limits::log_unstored_max && end > log->queued;
  if (chunk.offset > log->queued || end <= log->queued || too_much) {
    self->send(request.origin, log_durable{chunk.token, log->durable});
    return;
  }
  std::string_view fresh{chunk.bytes};
  fresh.remove_prefix(log->queued - chunk.offset);
  storage::put_log_chunk(gathered, attempt, log->queued, fresh);
  gathered_bytes += fresh.size();
  log->queued = end;
  gather(request, end);
  // A shorter one is all there is: somebody may wait for it.
  if (chunk.bytes.size() < limits::log_piece_bytes || gathered_bytes >= limits::log_gather_bytes)
    store_gathered();
  else
    gathering.arm_within(self, limits::log_gather_within);
}

/// Of pieces that follow upon each other only the last needs its answer.
void log_sink_state::gather(const log_append& request, uint64_t end) {
  const auto& token = request.chunk.token;
  for (auto& one : gathered_logs)
    if (one.token == token && one.origin == request.origin) {
      one.end = end;
      return;
    }
  gathered_logs.push_back({token, end, request.origin});
}

void log_sink_state::store_gathered() {
  gathering.disarm();
  gathered_bytes = 0;
  if (gathered.empty())
    return;
  self
    ->request(recorder, caf::infinite, // same process; its silence is fatal
              std::exchange(gathered, {}))
    .then([this, stored = std::exchange(gathered_logs, {})](recorded) {
      for (const auto& one : stored)
        confirm(one.token, one.end, one.origin);
    });
}

void log_sink_state::confirm(const grant_token& token, uint64_t durable,
                             const caf::typed_actor<caf::reacts_to<log_durable>>& origin) {
  self->send(origin, log_durable{token, durable});
  auto known = logs.find(token.attempt);
  if (known == logs.end())
    return;
  auto& log = known->second;
  if (durable > log.durable)
    seals.came(token.attempt, durable - log.durable);
  log.durable = std::max(log.durable, durable);
  std::erase_if(log.waiters, [&](waiter& one) {
    if (log.durable <= one.above)
      return false;
    one.promise.deliver(log.durable);
    return true;
  });
  if (seals.pressing())
    seal_some();
  arm();
}

caf::result<uint64_t> log_sink_state::wait(const log_wait& request) {
  auto* log = open(request.attempt);
  if (log == nullptr || log->durable > request.above || request.patience.count() <= 0)
    return log == nullptr ? 0 : log->durable;
  auto promise = self->make_response_promise<uint64_t>();
  log->waiters.push_back({request.above, self->clock().now() + request.patience, promise});
  arm();
  return promise;
}

/// One tick is on its way while anything waits.
void log_sink_state::arm() {
  auto waits = [](const auto& one) { return !one.second.waiters.empty(); };
  bool sealable = !seals.empty() || !searched;
  if (looks.armed() || (!sealable && std::none_of(logs.begin(), logs.end(), waits)))
    return;
  looks.arm(self, sealable ? limits::seal_look : limits::wait_granularity);
}

void log_sink_state::expire() {
  auto now = self->clock().now();
  for (auto& [attempt, log] : logs) {
    std::erase_if(log.waiters, [&, size = log.durable](waiter& one) {
      if (one.until > now)
        return false;
      one.promise.deliver(size);
      return true;
    });
  }
}

// -- sealing -------------------------------------------------------------------------------------

void log_sink_state::look() {
  expire();
  find_unsealed();
  if (seals.quiet() || seals.pressing())
    seal_some();
  arm();
}

void log_sink_state::find_unsealed() {
  if (std::exchange(searched, true))
    return;
  auto left = storage::read_unsealed(*store);
  if (!left) {
    spdlog::error("unsealed logs not found reason=\"{}\"", left.error().text);
    return;
  }
  for (const auto& one : *left) {
    seals.found(one.attempt, one.ended);
    if (!one.ended)
      earlier.insert(one.attempt);
  }
}

/// The next segment of a long log, or what there is of many short ones, in one commit.
void log_sink_state::seal_some() {
  if (sealing)
    return;
  storage::write_batch segments;
  for (size_t logs_taken = 0; logs_taken < limits::seal_logs_at_once; ++logs_taken) {
    auto task = seals.next();
    if (!task)
      break;
    auto segment = take_segment(*task);
    if (!segment)
      continue;
    segments.append(*std::move(segment));
    if (seals.sealed(task->attempt))
      break;
  }
  if (segments.empty())
    return;
  sealing = true;
  self->request(recorder, caf::infinite, std::move(segments)).then([this](recorded) {
    sealing = false;
    if (seals.pressing())
      seal_some();
    arm();
  });
}

std::optional<storage::write_batch> log_sink_state::take_segment(const core::seal_task& task) {
  auto segment = storage::seal_log(
    *store, task.attempt, task.ended ? storage::remainder::seal : storage::remainder::leave);
  if (!segment)
    spdlog::error("log not sealed attempt={} reason=\"{}\"", to_string(task.attempt),
                  segment.error().text);
  if (segment && !segment->empty())
    return *std::move(segment);
  seals.drop(task.attempt);
  return std::nullopt;
}

void log_sink_state::seal(attempt_id attempt) {
  store_gathered(); // of this one as well, maybe
  // Most steps of some farms print nothing: the store need not be asked about those.
  bool has_log = earlier.erase(attempt) > 0 || !searched;
  if (auto known = logs.find(attempt); known != logs.end()) {
    has_log |= known->second.queued > 0;
    for (auto& one : known->second.waiters)
      one.promise.deliver(known->second.durable);
    logs.erase(known);
  }
  if (!has_log)
    return;
  seals.ended(attempt);
  arm();
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
  entry.activity = std::to_string(logs.size()) + " open logs, " + std::to_string(seals.unsealed())
                   + " bytes wait to be sealed";
  return entry;
}

log_sink_actor::behavior_type log_sink(log_sink_state::pointer self, const farm_settings& settings,
                                       recorder_actor recorder) {
  self->state.store = settings.store;
  self->state.recorder = std::move(recorder);
  self->state.room = settings.room;
  self->state.arm();
  return {
    [self](log_append& request) { self->state.append(request); },
    [self](const log_wait& request) { return self->state.wait(request); },
    [self](atom::seal, attempt_id attempt) { self->state.seal(attempt); },
    [self](atom::tick) {
      if (self->state.gathering.due(self))
        self->state.store_gathered();
      if (self->state.looks.due(self))
        self->state.look();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
