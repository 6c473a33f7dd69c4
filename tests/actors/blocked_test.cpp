// A disk that hangs, on real threads: what people see meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "actors/farm.hpp"
#include "schema/limits.hpp"
#include "storage/memory_store.hpp"
#include "tests/catch.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <set>

using namespace drover;
using namespace std::chrono_literals;

namespace {

/// Commits hang while the gate is shut.
class hanging_store final : public storage::store {
public:
  std::optional<failure> commit(const storage::write_batch& batch,
                                storage::durability when) override {
    std::unique_lock guard{mutex_};
    hanging_ = shut_;
    changed_.notify_all();
    changed_.wait(guard, [this] { return !shut_; });
    hanging_ = false;
    return inner_.commit(batch, when);
  }
  std::optional<failure> flush_content() override { return inner_.flush_content(); }
  expected<std::optional<std::string>> get(storage::family where,
                                           std::string_view key) const override {
    return inner_.get(where, key);
  }
  std::optional<failure>
  scan(storage::family where, std::string_view from, std::string_view to, storage::scan_order order,
       const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return inner_.scan(where, from, to, order, visit);
  }

  void shut() {
    std::lock_guard guard{mutex_};
    shut_ = true;
  }
  void open() {
    std::lock_guard guard{mutex_};
    shut_ = false;
    changed_.notify_all();
  }
  /// False if no commit hangs within `patience`.
  bool wait_until_one_hangs(milliseconds patience) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [this] { return hanging_; });
  }

private:
  storage::memory_store inner_;
  std::mutex mutex_; // guards all below
  std::condition_variable changed_;
  bool shut_ = false;
  bool hanging_ = false;
};

struct real_farm {
  real_farm() {
    spdlog::set_level(spdlog::level::off);
    farm_settings settings;
    settings.config.farm = "test";
    settings.now = {1, 1};
    settings.store = store;
    settings.clock = [] { return wall_time{5000}; };
    settings.fatal = [](const std::string&) {};
    auto spawned = spawn_farm(system, settings);
    REQUIRE(spawned);
    farm = *spawned;
  }
  ~real_farm() {
    store->open();
    stop_farm(farm);
    farm = {};
    system.await_all_actors_done();
  }

  std::vector<actor_entry> actors() {
    caf::scoped_actor self{system};
    std::vector<actor_entry> found;
    self->request(farm.coordinator, 10s, actors_query{})
      .receive([&](std::vector<actor_entry>& all) { found = std::move(all); },
               [](const caf::error&) { FAIL("the coordinator does not answer"); });
    return found;
  }

  actor_entry recorder_entry() {
    for (const auto& one : actors())
      if (one.name == "recorder")
        return one;
    FAIL("the recorder is not shown");
    return {};
  }

  std::shared_ptr<hanging_store> store = std::make_shared<hanging_store>();
  caf::actor_system_config config;
  caf::actor_system system{config};
  farm_actors farm;
};

} // namespace

TEST_CASE_METHOD(real_farm, "blocked: a recorder whose disk hangs shows what it waits for") {
  store->shut();
  storage::write_batch batch;
  batch.add(storage::family::history, "a", "1");
  batch.add(storage::family::history, "b", "2");
  caf::anon_send(farm.recorder, std::move(batch));
  REQUIRE(store->wait_until_one_hangs(10s));
  auto blocked = recorder_entry();
  CHECK(blocked.state.starts_with("blocked: commits "));
  CHECK(blocked.state.ends_with(" writes and waits for the disk"));
  CHECK(blocked.activity.starts_with("no answer for "));
  CHECK(blocked.parent == "coordinator");
  std::set<std::string> shown;
  for (const auto& one : actors())
    shown.insert(one.name);
  CHECK(shown
        == std::set<std::string>{"analyst", "archivist", "artifact_store", "census", "coordinator",
                                 "log_sink", "recorder", "result_cache"});
  store->open();
  caf::scoped_actor self{system};
  self->request(farm.recorder, 10s, storage::write_batch{})
    .receive([](recorded) {}, [](const caf::error&) { FAIL("the recorder does not go on"); });
  CHECK(recorder_entry().state == "idle");
}
