// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/store_keeper.hpp"

#include "schema/limits_api.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover::http {

namespace {

struct keeper_state {
  using pointer = store_keeper_actor::stateful_pointer<keeper_state>;
  static inline const char* name = "store_keeper";
  explicit keeper_state(pointer actor) : self{actor}, born{actor->clock().now()} {}

  /// Does `work` and gives the place free. Blocks: the thread is the keeper's own.
  template <class Work>
  auto busy_with(const std::string& what, const Work& work) {
    self->send(parts.census, actor_note{name, what});
    auto report = work();
    last = what;
    self->send(parts.census, actor_note{name, "waits for orders"});
    *busy = false;
    return report;
  }

  storage::keep_going going() const {
    return [flag = stopping] { return !*flag; };
  }

  std::optional<failure> record(storage::write_batch batch) {
    caf::scoped_actor asker{self->home_system()};
    std::optional<failure> problem;
    // A commit takes as long as the disk needs; if it fails, the process ends.
    asker->request(parts.recorder, caf::infinite, std::move(batch))
      .receive([](recorded) {},
               [&problem](const caf::error&) {
                 problem = failure{ec::unavailable, "the farm is stopping; try again"};
               });
    return problem;
  }

  expected<storage::clean_up_report> clean_up(const clean_up_order& order) {
    storage::clean_up_rules rules{parts.clock(), order.older_than, limits::events_kept,
                                  limits::content_grace};
    if (order.preview)
      return storage::preview_clean_up(*parts.store, rules, going());
    return storage::clean_up(
      *parts.store, rules, [this](storage::write_batch batch) { return record(std::move(batch)); },
      going());
  }

  actor_entry describe() const {
    actor_entry out;
    out.name = out.kind = name;
    out.state = "idle";
    out.uptime_ms = (self->clock().now() - born) / milliseconds{1};
    out.activity = last.empty() ? "nothing was asked of it yet" : "did last: " + last;
    return out;
  }

  pointer self;
  caf::actor_clock::time_point born;
  store_keeper_parts parts;
  std::shared_ptr<std::atomic<bool>> busy, stopping;
  std::string last;
};

store_keeper_actor::behavior_type run_keeper(keeper_state::pointer self,
                                             const store_keeper_parts& parts,
                                             const std::shared_ptr<std::atomic<bool>>& busy,
                                             const std::shared_ptr<std::atomic<bool>>& stopping) {
  auto& state = self->state;
  state.parts = parts;
  state.busy = busy;
  state.stopping = stopping;
  return {
    [self](const verify_order&) {
      return self->state.busy_with("verifies the store", [self] {
        return storage::verify(*self->state.parts.store, self->state.going());
      });
    },
    [self](const clean_up_order& order) {
      return self->state.busy_with("cleans the store up",
                                   [&] { return self->state.clean_up(order); });
    },
    [self](const backup_order& order) {
      return self->state.busy_with("makes a backup",
                                   [&] { return self->state.parts.backup(order.to); });
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

store_keeper spawn_store_keeper(caf::actor_system& system, store_keeper_parts parts) {
  store_keeper out;
  out.busy = std::make_shared<std::atomic<bool>>(false);
  out.stopping = std::make_shared<std::atomic<bool>>(false);
  out.actor = system.spawn<caf::detached>(run_keeper, parts, out.busy, out.stopping);
  caf::anon_send(parts.census,
                 enlistment{"store_keeper", "store_keeper", "coordinator", out.actor});
  return out;
}

void stop_store_keeper(const store_keeper& keeper) {
  *keeper.stopping = true;
  caf::anon_send_exit(keeper.actor, caf::exit_reason::user_shutdown);
}

} // namespace drover::http
