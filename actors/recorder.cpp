// SPDX-License-Identifier: Apache-2.0
#include "actors/recorder.hpp"

#include "actors/core/mutants.hpp"
#include "schema/limits.hpp"
#include "schema/limits_recorder.hpp"
#include "schema/limits_room.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

caf::result<recorded> recorder_state::take(storage::write_batch batch) {
  bool is_awaited = self->current_message_id().is_request();
  auto promise = self->make_response_promise<recorded>();
  if (failed)
    return promise; // the process is about to stop; no answer is the honest one
  if (core::is_mutant(core::mutant::acknowledge_before_sync)) {
    for (auto& event : std::exchange(batch.events, {})) {
      event.sequence = ++numbered_event;
      storage::put_event(batch, event);
    }
    if (auto problem = store->commit(batch, storage::durability::later))
      fatal(problem->text);
    promise.deliver(recorded{});
    return promise;
  }
  gathered.append(std::move(batch));
  ++batches;
  if (is_awaited) {
    if (waiting.empty() && !held)
      self->send(self, atom::flush::value);
    waiting.push_back(promise);
  } else {
    timer.arm_within(self, limits::commit_unawaited_within);
  }
  return promise;
}

/// The journal has no gaps: its entries get their numbers where commits are put in order.
void recorder_state::number_events() {
  for (auto& event : std::exchange(gathered.events, {})) {
    event.sequence = ++numbered_event;
    storage::put_event(gathered, event);
  }
}

caf::result<uint64_t> recorder_state::wait(const event_wait& request) {
  bool is_behind = request.after < told_event; // it reads what others know
  if (is_behind || event_waiters.size() >= limits::event_waiters_max)
    return last_event;
  auto promise = self->make_response_promise<uint64_t>();
  event_waiters.push_back({promise, request.after, self->clock().now() + request.patience});
  timer.arm_within(self, limits::wait_granularity);
  if (last_event > request.after)
    tell_news();
  return promise;
}

/// At once after a quiet time; while commits follow upon each other, of many at once.
void recorder_state::tell_news() {
  if (event_waiters.empty())
    return;
  auto now = self->clock().now();
  if (!told || now - *told >= limits::event_news_every)
    answer_waiters();
  else
    timer.arm_within(self, std::chrono::ceil<milliseconds>(*told + limits::event_news_every - now));
}

/// Answers those that there is news for, and those whose patience has ended.
void recorder_state::answer_waiters() {
  auto now = self->clock().now();
  std::erase_if(event_waiters, [&](auto& waiter) {
    bool news = last_event > waiter.after;
    if (news) {
      told = now;
      told_event = last_event;
    }
    if (news || waiter.until <= now)
      waiter.promise.deliver(last_event);
    return news || waiter.until <= now;
  });
}

/// A write that fails in the middle would stop the farm; one that waits does not.
bool recorder_state::hold_for_room() {
  auto left = room ? room() : core::store_room{};
  bool full = core::judge(left) == core::room_level::full;
  if (full != std::exchange(held, full)) {
    if (full)
      spdlog::error("store held reason=\"{}\"", core::room_sentence(left));
    else
      spdlog::info("store goes on: there is room again");
  }
  if (full)
    self->delayed_send(self, limits::store_room_look, atom::flush::value);
  return full;
}

/// What it would be found at if the disk hung. Most batches are alike, and need not be told anew.
void recorder_state::note(size_t writes) {
  if (std::exchange(noted_writes, writes) != writes)
    self->send(census, actor_note{name, "commits " + std::to_string(writes)
                                          + " writes and waits for the disk"});
}

void recorder_state::flush() {
  if (hold_for_room())
    return;
  number_events();
  auto batch = std::exchange(gathered, {});
  auto answered = std::exchange(waiting, {});
  note(batch.operations.size());
  if (!batch.empty()) {
    if (auto problem = store->commit(batch, storage::durability::synced)) {
      failed = true;
      spdlog::error("store failed reason=\"{}\"", problem->text);
      fatal("the store failed: " + problem->text);
      return;
    }
    ++commits;
    last_event = numbered_event;
    tell_news();
  }
  for (auto& promise : answered)
    promise.deliver(recorded{});
}

actor_entry recorder_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  entry.state = failed ? "failed" : held ? "waits for room on the disk" : "idle";
  entry.activity = std::to_string(batches) + " batches in " + std::to_string(commits) + " commits";
  return entry;
}

void recorder_state::tick() {
  if (!timer.due(self))
    return;
  if (!gathered.empty() && waiting.empty() && !held && !failed)
    flush();
  answer_waiters();
  if (!event_waiters.empty())
    timer.arm_within(self, limits::wait_granularity);
}

recorder_actor::behavior_type recorder(recorder_state::pointer self, const farm_settings& settings,
                                       census_actor census, uint64_t last_event) {
  self->state.store = settings.store;
  self->state.fatal = settings.fatal;
  self->state.room = settings.room;
  self->state.census = std::move(census);
  self->state.last_event = self->state.numbered_event = self->state.told_event = last_event;
  return {
    [self](storage::write_batch& batch) { return self->state.take(std::move(batch)); },
    [self](const event_wait& request) { return self->state.wait(request); },
    [self](atom::flush) { self->state.flush(); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
