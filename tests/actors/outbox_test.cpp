// SPDX-License-Identifier: Apache-2.0
#include "actors/outbox.hpp"
#include "actors/recorder.hpp"
#include "schema/limits_notices.hpp"
#include "storage/notices.hpp"
#include "tests/actors/farm_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// Takes what is delivered, or answers what the test wants.
class fake_port : public notice_port {
public:
  notice_delivery deliver(const reporter_spec&, const notice_record& notice) override {
    tried.push_back(notice);
    auto answer = answers.empty() ? notice_delivery{} : answers.front();
    if (!answers.empty())
      answers.erase(answers.begin());
    if (answer.how == notice_delivery::verdict::delivered)
      arrived.push_back(notice);
    return answer;
  }
  std::vector<notice_record> tried, arrived;
  std::vector<notice_delivery> answers;
};

/// Commits as long as its budget lasts, then never again: the disk of a machine that lost power.
class cut_store : public storage::store {
public:
  explicit cut_store(std::shared_ptr<storage::memory_store> kept) : kept_{std::move(kept)} {}
  std::optional<failure> commit(const storage::write_batch& batch,
                                storage::durability when) override {
    if (budget == 0)
      return failure{ec::io, "cut"};
    --budget;
    return kept_->commit(batch, when);
  }
  std::optional<failure> flush_content() override { return kept_->flush_content(); }
  expected<std::optional<std::string>> get(storage::family where,
                                           std::string_view key) const override {
    return kept_->get(where, key);
  }
  std::optional<failure>
  scan(storage::family where, std::string_view from, std::string_view to, storage::scan_order order,
       const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return kept_->scan(where, from, to, order, visit);
  }
  size_t budget = SIZE_MAX;

private:
  std::shared_ptr<storage::memory_store> kept_;
};

/// Everything of one life of a coordinator that tells people.
struct outbox_fixture : farm_fixture {
  std::shared_ptr<fake_port> port = std::make_shared<fake_port>();
  std::shared_ptr<cut_store> disk_of_life = std::make_shared<cut_store>(store);
  std::shared_ptr<wall_time> now = std::make_shared<wall_time>(wall_time{1'769'860'800'000});
  std::shared_ptr<live_config> live = std::make_shared<live_config>();
  recorder_actor book;
  outbox_actor uut;
  uint64_t last = 0; ///< sequence of entries that the test wrote itself

  outbox_fixture() {
    live->config.farm = "herd";
    reporter_spec people;
    people.name = "people";
    people.kind = "mail";
    people.to = {"dev@example.org"};
    live->config.reporters = {people};
  }

  coordinator_actor spawn_coordinator() {
    auto answers = system.spawn([live = live](caf::event_based_actor*) -> caf::behavior {
      return {[live](const config_query&) { return std::shared_ptr<const live_config>{live}; }};
    });
    return keep(caf::actor_cast<coordinator_actor>(answers));
  }

  /// A coordinator begins on what is on the disk.
  void begin_life(size_t budget = SIZE_MAX) {
    disk_of_life->budget = budget;
    auto of_life = settings;
    of_life.store = disk_of_life;
    auto census = spawn_scribe<census_actor>(notebook{});
    book = keep(system.spawn(recorder, of_life, census, *storage::last_event(*store)));
    outbox_context context;
    context.clock = [now = now] { return *now; };
    context.store = disk_of_life;
    context.recorder = book;
    context.coordinator = spawn_coordinator();
    context.census = census;
    context.look_around = [](const build_file&) { return core::build_surroundings{}; };
    context.ports["mail"] = context.ports["irc"] = port;
    context.own_threads = false;
    uut = keep(spawn_outbox(system, context));
    settle();
    pass(100ms);
  }

  /// kill -9 of all of it.
  void end_life() {
    crash(uut);
    crash(book);
    settle();
    store->crash();
  }

  void pass(milliseconds time) {
    now->ms += time.count();
    advance(time);
  }

  /// A build that has ended, with its entry in the journal.
  storage::write_batch ended(uint64_t id, result outcome, const std::string& host = {},
                             uint64_t campaign = 0, int32_t exit_code = 2) const {
    build_file file;
    file.recipe.name = file.build.builder = "check";
    if (!host.empty())
      file.recipe.on.kind = placement_kind::each_host;
    file.recipe.steps.resize(1);
    file.recipe.steps[0].name = "test";
    file.build.id = {id};
    file.build.campaign = {campaign};
    file.build.pinned = file.build.host = {host};
    file.build.state = build_state::finished;
    file.build.outcome = outcome;
    step_record step;
    step.name = "test";
    step.state = step_state::finished;
    step.outcome = outcome;
    step.exit_code = outcome == result::success ? 0 : exit_code;
    storage::write_batch batch;
    storage::put_build(batch, file.build);
    storage::put_recipe(batch, file.build.id, file.recipe);
    storage::put_step(batch, file.build.id, step);
    event_record event;
    event.kind = event_kind::build_finished;
    event.build = {id};
    event.campaign = {campaign};
    event.builder = "check";
    event.outcome = outcome;
    batch.events.push_back(event);
    return batch;
  }

  void happens(const storage::write_batch& batch) {
    ask<recorded>(book, batch);
    pass(100ms);
  }

  void campaign_ends(uint64_t id, std::vector<campaign_cell> cells) {
    campaign_record campaign;
    campaign.id = {id};
    campaign.cells = std::move(cells);
    storage::write_batch batch;
    storage::put_campaign(batch, campaign);
    event_record event;
    event.kind = event_kind::campaign_finished;
    event.campaign = {id};
    batch.events.push_back(event);
    happens(batch);
  }

  std::vector<notice_record> notices() const {
    return *storage::list_notices(*store, 0, 1000, [](const notice_record&) { return true; });
  }
};

} // namespace

TEST_CASE_METHOD(outbox_fixture, "outbox: red is told, red again is not, green is told in the same "
                                 "thread") {
  begin_life();
  happens(ended(1, result::success));
  CHECK(port->arrived.empty());
  happens(ended(2, result::failure));
  happens(ended(3, result::failure));
  REQUIRE(port->arrived.size() == 1);
  CHECK(port->arrived[0].kind == notice_kind::problem);
  CHECK(port->arrived[0].build == build_id{2});
  CHECK(core::begins_thread(port->arrived[0]));
  happens(ended(4, result::success));
  REQUIRE(port->arrived.size() == 2);
  CHECK(port->arrived[1].kind == notice_kind::recovery);
  CHECK(port->arrived[1].thread == port->arrived[0].thread);
  CHECK_FALSE(core::begins_thread(port->arrived[1]));
  CHECK(notices()[0].state == notice_state::delivered);
  CHECK(storage::reporters_awaited(*store)->empty());
}

TEST_CASE_METHOD(outbox_fixture, "outbox: another cause is told once, in the thread") {
  begin_life();
  happens(ended(1, result::failure));
  happens(ended(2, result::timeout));
  happens(ended(3, result::failure));
  happens(ended(4, result::timeout));
  REQUIRE(port->arrived.size() == 2);
  CHECK(port->arrived[1].subject.find("still red") != std::string::npos);
  CHECK(port->arrived[1].thread == port->arrived[0].thread);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: one campaign's cause on many hosts is one notice") {
  begin_life();
  for (uint64_t i = 1; i <= 3; ++i)
    happens(ended(i, result::failure, "h" + std::to_string(i), 7));
  CHECK(port->arrived.empty());
  campaign_ends(7, {{"check", {"h1"}, "", {1}, ""},
                    {"check", {"h2"}, "", {2}, ""},
                    {"check", {"h3"}, "", {3}, ""}});
  REQUIRE(port->arrived.size() == 1);
  CHECK(port->arrived[0].subject.rfind("check is red on h1, h2 and h3", 0) == 0);
  happens(ended(4, result::success, "h1", 8));
  happens(ended(5, result::success, "h2", 8));
  CHECK(port->arrived.size() == 1);
  happens(ended(6, result::success, "h3", 8));
  REQUIRE(port->arrived.size() == 2);
  CHECK(port->arrived[1].kind == notice_kind::recovery);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: a campaign that takes long is told after a while, and "
                                 "later ones of the same cause join silently") {
  begin_life();
  happens(ended(1, result::failure, "h1", 7));
  pass(limits::notice_settle);
  REQUIRE(port->arrived.size() == 1);
  happens(ended(2, result::failure, "h2", 7));
  pass(limits::notice_settle);
  CHECK(port->arrived.size() == 1);
  happens(ended(3, result::success, "h1", 8));
  CHECK(port->arrived.size() == 1);
  happens(ended(4, result::success, "h2", 8));
  CHECK(port->arrived.size() == 2);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: what waits for its campaign outlives the coordinator") {
  begin_life();
  happens(ended(1, result::failure, "h1", 7));
  end_life();
  begin_life();
  pass(limits::notice_settle);
  CHECK(port->arrived.size() == 1);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: a first start on an old store is silent about the past") {
  begin_life();
  end_life();
  storage::write_batch forget;
  forget.remove(storage::family::history, std::string{"\x76"});
  REQUIRE_FALSE(store->commit(forget, storage::durability::synced));
  auto past = ended(1, result::failure);
  auto event = past.events[0];
  event.sequence = 1;
  past.events.clear();
  storage::put_event(past, event);
  REQUIRE_FALSE(store->commit(past, storage::durability::synced));
  begin_life();
  CHECK(port->arrived.empty());
  happens(ended(2, result::failure));
  CHECK(port->arrived.size() == 1);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: what happened while the coordinator was down is told") {
  begin_life();
  end_life();
  auto missed = ended(1, result::failure);
  auto event = missed.events[0];
  event.sequence = *storage::last_event(*store) + 1;
  missed.events.clear();
  storage::put_event(missed, event);
  REQUIRE_FALSE(store->commit(missed, storage::durability::synced));
  begin_life();
  CHECK(port->arrived.size() == 1);
}

TEST_CASE("outbox: cut at any step, no notice is lost, and one at most is delivered twice, under "
          "the same id") {
  size_t steps = 0;
  for (size_t budget = 0;; ++budget) {
    outbox_fixture farm;
    farm.begin_life(); // the mark is made
    farm.end_life();
    uint64_t sequence = 0;
    const result story[] = {result::failure, result::success, result::timeout};
    for (auto outcome : story) { // the journal of what happened meanwhile
      auto batch = farm.ended(++sequence, outcome);
      auto event = batch.events[0];
      event.sequence = sequence;
      batch.events.clear();
      storage::put_event(batch, event);
      REQUIRE_FALSE(farm.store->commit(batch, storage::durability::synced));
    }
    farm.begin_life(budget);
    farm.pass(1s);
    bool was_cut = !farm.fatal->empty();
    farm.end_life();
    farm.begin_life();
    farm.pass(1s);
    std::map<uint64_t, size_t> arrivals;
    for (const auto& notice : farm.port->arrived)
      ++arrivals[notice.id];
    INFO("cut after " << budget << " commits");
    CHECK(farm.notices().size() == 3);
    CHECK(arrivals.size() == 3);
    CHECK(farm.port->arrived.size() <= 4);
    for (const auto& notice : farm.notices())
      CHECK(notice.state == notice_state::delivered);
    ++steps;
    if (!was_cut)
      break;
  }
  CHECK(steps > 6); // three batches of notices, three marks
}

TEST_CASE_METHOD(outbox_fixture, "outbox: what can't be delivered now is tried again and arrives") {
  begin_life();
  port->answers.assign(3, {notice_delivery::verdict::later, "connection refused"});
  happens(ended(1, result::failure));
  CHECK(port->arrived.empty());
  CHECK(notices()[0].last_error == "connection refused");
  end_life(); // tries are counted on
  begin_life();
  for (int i = 0; i < 10 && port->arrived.empty(); ++i)
    pass(limits::notice_retry_first);
  REQUIRE(port->arrived.size() == 1);
  CHECK(notices()[0].tries == 4);
  CHECK(port->tried.size() == 4);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: a refused notice is failed, said in the journal, and "
                                 "tried again when a person wants it") {
  begin_life();
  port->answers.assign(1, {notice_delivery::verdict::never, "550 no such user"});
  happens(ended(1, result::failure));
  REQUIRE(notices()[0].state == notice_state::failed);
  auto told = storage::last_events(
    *store, 1, [](const event_record& event) { return event.kind == event_kind::notice_failed; });
  REQUIRE(told->size() == 1);
  CHECK(told->front().text.find("550 no such user") != std::string::npos);
  pass(limits::notice_retry_max);
  CHECK(port->tried.size() == 1);
  auto answer = ask<expected<accepted>>(uut, notice_retry{0, "ann"});
  pass(100ms);
  REQUIRE(answer.ready());
  CHECK((**answer.get()).text == "1 notice is tried again");
  CHECK(notices()[0].state == notice_state::delivered);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: a test notice goes to one reporter; unknown ones are "
                                 "refused") {
  begin_life();
  auto made = ask<expected<uint64_t>>(uut, notice_test{"people", "ann"});
  pass(100ms);
  REQUIRE(made.ready());
  CHECK(**made.get() == 1);
  REQUIRE(port->arrived.size() == 1);
  CHECK(port->arrived[0].kind == notice_kind::test);
  auto refused = ask<expected<uint64_t>>(uut, notice_test{"nobody", "ann"});
  CHECK(refused.get()->error().code == ec::not_found);
}

TEST_CASE_METHOD(outbox_fixture, "outbox: reporters follow the configuration") {
  begin_life();
  auto other = live->config.reporters[0];
  other.name = "channel";
  other.kind = "irc";
  live->config.reporters = {other};
  storage::write_batch batch;
  event_record event;
  event.kind = event_kind::config_loaded;
  batch.events.push_back(event);
  happens(batch);
  happens(ended(1, result::failure));
  REQUIRE(port->arrived.size() == 1);
  CHECK(port->arrived[0].reporter == "channel");
  port->answers.assign(1, {notice_delivery::verdict::later, "busy"});
  happens(ended(2, result::success));
  live->config.reporters.clear();
  happens(batch);
  CHECK(notices()[0].state == notice_state::failed);
  CHECK(notices()[0].last_error.find("taken out of the configuration") != std::string::npos);
}
