// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/store_keeper.hpp"

#include "schema/limits_api.hpp"
#include "schema/limits_retention.hpp"
#include "storage/tables.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

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

  /// Asks an actor and waits for it: the thread is the keeper's own.
  template <class Answer, class Target, class Message>
  expected<Answer> ask(const Target& target, Message message) {
    caf::scoped_actor asker{self->home_system()};
    expected<Answer> answer = failure{ec::unavailable, "the farm is stopping; try again"};
    asker->request(target, limits::store_work_max, std::move(message))
      .receive([&answer](Answer& given) { answer = std::move(given); }, [](const caf::error&) {});
    return answer;
  }

  expected<std::vector<core::artifact_holder>> holders() const;
  expected<std::vector<core::artifact_drop>> retain(bool preview);
  expected<clean_up_answer> clean_up(const clean_up_order& order);
  void retain_on_time();

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

/// Builds whose artifacts are there, newest first; page by page, for there may be a million.
expected<std::vector<core::artifact_holder>> keeper_state::holders() const {
  std::vector<core::artifact_holder> found;
  build_id before{};
  while (!*stopping) {
    auto page = storage::list_builds(*parts.store, before, limits::retention_page_rows,
                                     [](const build_record&) { return true; });
    if (!page)
      return page.error();
    for (const auto& build : *page)
      if (build.state == build_state::finished && !build.artifacts_dropped
          && !build.artifacts.empty())
        found.push_back(core::holder_of(build));
    if (page->size() < limits::retention_page_rows)
      return found;
    before = page->back().id;
  }
  return failure{ec::unavailable, "the farm is stopping; nothing was dropped"};
}

expected<std::vector<core::artifact_drop>> keeper_state::retain(bool preview) {
  if (!parts.archivist)
    return std::vector<core::artifact_drop>{}; // nobody could note it
  auto live = ask<std::shared_ptr<const live_config>>(parts.coordinator, config_query{});
  if (!live)
    return live.error();
  if (!core::has_retention((*live)->config))
    return std::vector<core::artifact_drop>{};
  auto found = holders();
  if (!found)
    return found.error();
  auto drops = core::choose_drops((*live)->config, *found, parts.clock());
  for (size_t at = 0; !preview && at < drops.size();) {
    drop_artifacts order;
    for (; at < drops.size() && order.builds.size() < limits::retention_batch_max; ++at)
      order.builds.push_back({drops[at].build, drops[at].why});
    if (auto gone = ask<artifacts_gone>(parts.archivist, std::move(order)); !gone)
      return gone.error();
  }
  return drops;
}

/// Retention first: the content that only dropped artifacts named is garbage then.
expected<clean_up_answer> keeper_state::clean_up(const clean_up_order& order) {
  auto drops = retain(order.preview);
  if (!drops)
    return drops.error();
  auto now = parts.clock();
  storage::clean_up_rules rules{now, order.older_than.value_or(milliseconds{now.ms}),
                                limits::events_kept, limits::content_grace};
  auto removed =
    order.preview
      ? storage::preview_clean_up(*parts.store, rules, going())
      : storage::clean_up(
        *parts.store, rules,
        [this](storage::write_batch batch) { return record(std::move(batch)); }, going());
  if (!removed)
    return removed.error();
  return clean_up_answer{*removed, std::move(*drops)};
}

void keeper_state::retain_on_time() {
  self->delayed_send(self, limits::retention_every, atom::tick::value);
  if (busy->exchange(true))
    return; // whoever has the place cleans up, copies or verifies: next time
  auto done = busy_with("drops old artifacts", [this]() -> expected<size_t> {
    auto live = ask<std::shared_ptr<const live_config>>(parts.coordinator, config_query{});
    if (!live || !core::has_retention((*live)->config))
      return size_t{0};
    auto cleaned = clean_up({std::nullopt, false});
    if (!cleaned)
      return cleaned.error();
    return cleaned->dropped.size();
  });
  if (!done)
    spdlog::warn("retention failed: {}", done.error().text);
  else if (*done > 0)
    spdlog::info("retention dropped artifacts of builds={}", *done);
}

store_keeper_actor::behavior_type run_keeper(keeper_state::pointer self,
                                             const store_keeper_parts& parts,
                                             const std::shared_ptr<std::atomic<bool>>& busy,
                                             const std::shared_ptr<std::atomic<bool>>& stopping) {
  auto& state = self->state;
  state.parts = parts;
  state.busy = busy;
  state.stopping = stopping;
  if (parts.archivist)
    self->delayed_send(self, limits::retention_first, atom::tick::value);
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
    [self](atom::tick) { self->state.retain_on_time(); },
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
