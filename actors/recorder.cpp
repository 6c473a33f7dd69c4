// SPDX-License-Identifier: Apache-2.0
#include "actors/recorder.hpp"

#include "actors/core/mutants.hpp"

#include <spdlog/spdlog.h>

namespace drover {

caf::result<recorded> recorder_state::take(storage::write_batch batch) {
  auto promise = self->make_response_promise<recorded>();
  if (failed)
    return promise; // the process is about to stop; no answer is the honest one
  if (core::is_mutant(core::mutant::acknowledge_before_sync)) {
    if (auto problem = store->commit(batch, storage::durability::later))
      fatal(problem->text);
    promise.deliver(recorded{});
    return promise;
  }
  if (waiting.empty())
    self->send(self, atom::flush::value);
  waiting.push_back(promise);
  gathered.append(std::move(batch));
  ++batches;
  return promise;
}

void recorder_state::flush() {
  auto batch = std::exchange(gathered, {});
  auto answered = std::exchange(waiting, {});
  self->send(census, actor_note{name, "commits " + std::to_string(batch.operations.size())
                                        + " writes and waits for the disk"});
  if (!batch.empty()) {
    if (auto problem = store->commit(batch, storage::durability::synced)) {
      failed = true;
      spdlog::error("store failed reason=\"{}\"", problem->text);
      fatal("the store failed: " + problem->text);
      return;
    }
    ++commits;
  }
  for (auto& promise : answered)
    promise.deliver(recorded{});
}

actor_entry recorder_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  entry.state = failed ? "failed" : "idle";
  entry.activity = std::to_string(batches) + " batches in " + std::to_string(commits) + " commits";
  return entry;
}

recorder_actor::behavior_type recorder(recorder_state::pointer self, const farm_settings& settings,
                                       census_actor census) {
  self->state.store = settings.store;
  self->state.fatal = settings.fatal;
  self->state.census = std::move(census);
  return {
    [self](storage::write_batch& batch) { return self->state.take(std::move(batch)); },
    [self](atom::flush) { self->state.flush(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
