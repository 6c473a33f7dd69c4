// Timers: what is built at their times, once, over deaths and clocks that are set.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_timer.hpp"
#include "schema/names.hpp"
#include "tests/actors/tree_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

constexpr int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr wall_time midnight{20'000 * day};

struct timer_fixture : tree_fixture {
  timer_fixture() {
    settings.clock = [now = wall] { return *now; };
    source_spec nightly;
    nightly.name = "nightly";
    nightly.kind = source_kind::timer;
    nightly.cron = "0 3 * * *";
    nightly.of = "trunk";
    source_spec trunk;
    trunk.name = "trunk";
    trunk.kind = source_kind::git;
    settings.config.sources = {nightly, trunk};
    settings.config.builders[0].source = "nightly";
  }

  void begin() {
    restart();
    settle();
  }

  /// Both clocks go on; the timer looks at the wall's now and then.
  void pass(milliseconds time) {
    for (auto left = time; left.count() > 0;) {
      auto some = std::min<milliseconds>(left, limits::timer_look_every);
      wall->ms += some.count();
      advance(some);
      left -= some;
    }
  }

  void set_wall(wall_time to) {
    *wall = to;
    advance(2 * limits::timer_look_every);
  }

  void trunk_has(const std::string& revision) {
    change_record change;
    change.source = "trunk";
    change.identity = change.ref.revision = revision;
    change.ref.kind = source_kind::git;
    change.ref.sha256 = std::string(64, 'a');
    change.title = "work on " + revision;
    auto taken = ask<expected<submitted>>(farm.coordinator, change_found{change});
    REQUIRE(taken.ready());
    REQUIRE(*taken.get());
  }

  std::vector<change_record> built() const {
    auto found = storage::list_changes(*store, {}, 100, "nightly");
    REQUIRE(found);
    return *found;
  }

  source_status status() const {
    auto found = storage::read_source_status(*store, "nightly");
    REQUIRE(found);
    return *found;
  }

  std::shared_ptr<wall_time> wall = std::make_shared<wall_time>(midnight);
};

} // namespace

TEST_CASE_METHOD(timer_fixture, "timer: at its time the newest change of its source is built") {
  trunk_has("r1");
  trunk_has("r2");
  begin();
  CHECK(status().next_look == wall_time{midnight.ms + 3 * hour});
  pass(2 * 60min + 59min);
  CHECK(built().empty());
  pass(2min);
  REQUIRE(built().size() == 1);
  CHECK(built()[0].identity == to_string(wall_time{midnight.ms + 3 * hour}));
  CHECK(built()[0].ref.revision == "r2");
  CHECK(built()[0].title == "work on r2");
  CHECK(built()[0].note.empty());
  REQUIRE(built()[0].builds.size() == 1);
  CHECK(record(built()[0].builds[0]).source.revision == "r2");
  CHECK(status().next_look == wall_time{midnight.ms + 27 * hour});
}

TEST_CASE_METHOD(timer_fixture, "timer: a death just after its time builds once") {
  trunk_has("r1");
  begin();
  pass(3 * 60min + 1min);
  REQUIRE(built().size() == 1);
  for (int deaths = 0; deaths < 3; ++deaths) {
    restart();
    pass(1min);
  }
  CHECK(built().size() == 1);
}

TEST_CASE_METHOD(timer_fixture, "timer: the change is there and the status is not: built once") {
  trunk_has("r1");
  begin();
  auto before = status();
  pass(3 * 60min + 1min);
  REQUIRE(built().size() == 1);
  storage::write_batch batch;
  storage::put_source_status(batch, before); // as if the coordinator had died between the two
  REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
  restart();
  pass(5min);
  CHECK(built().size() == 1);
  CHECK(status().next_look == wall_time{midnight.ms + 27 * hour});
}

TEST_CASE_METHOD(timer_fixture, "timer: a time that passed while the coordinator was down is made "
                                "up for, with a note") {
  trunk_has("r1");
  begin();
  *wall = {midnight.ms + 8 * hour};
  restart();
  pass(1min);
  REQUIRE(built().size() == 1);
  CHECK(built()[0].note.starts_with("late: its time was "));
  *wall = {midnight.ms + 9 * day + 8 * hour};
  restart();
  pass(1min);
  REQUIRE(built().size() == 2); // of nine times the newest
  CHECK(built()[0].identity == to_string(wall_time{midnight.ms + 9 * day + 3 * hour}));
}

TEST_CASE_METHOD(timer_fixture, "timer: a clock that is set back builds nothing twice") {
  trunk_has("r1");
  begin();
  pass(3 * 60min + 1min);
  REQUIRE(built().size() == 1);
  set_wall({midnight.ms + 2 * hour});
  pass(2 * 60min);
  CHECK(built().size() == 1);
}

TEST_CASE_METHOD(timer_fixture, "timer: a clock that is set forward is noticed") {
  trunk_has("r1");
  begin();
  set_wall({midnight.ms + 3 * hour + minute});
  CHECK(built().size() == 1);
}

TEST_CASE_METHOD(timer_fixture,
                 "timer: with only_changed, what was built last is not built again") {
  settings.config.sources[0].only_changed = true;
  trunk_has("r1");
  begin();
  pass(3 * 60min + 1min);
  REQUIRE(built().size() == 1);
  pass(24 * 60min);
  CHECK(built().size() == 1);
  trunk_has("r2");
  pass(24 * 60min);
  REQUIRE(built().size() == 2);
  CHECK(built()[0].ref.revision == "r2");
}

TEST_CASE_METHOD(timer_fixture, "timer: of a source without a change it says that, and goes on") {
  begin();
  pass(3 * 60min + 1min);
  CHECK(built().empty());
  CHECK(status().last_error == "source trunk has had no change yet");
  trunk_has("r1");
  pass(24 * 60min);
  CHECK(built().size() == 1);
  CHECK(status().last_error.empty());
}

TEST_CASE_METHOD(timer_fixture, "timer: of no source it builds from nothing") {
  settings.config.sources[0].of.clear();
  begin();
  pass(3 * 60min + 1min);
  REQUIRE(built().size() == 1);
  CHECK(built()[0].ref.kind == source_kind::none);
  REQUIRE(built()[0].builds.size() == 1);
  auto by_hand = submit();
  REQUIRE(by_hand.ready());
  CHECK(*by_hand.get());
}

TEST_CASE_METHOD(timer_fixture, "timer: another schedule owes nothing of the time before it") {
  trunk_has("r1");
  begin();
  pass(12 * 60min);
  REQUIRE(built().size() == 1);
  settings.config.sources[0].cron = "0 10 * * *";
  restart();
  pass(1min);
  CHECK(built().size() == 1);
  CHECK(status().next_look == wall_time{midnight.ms + 34 * hour});
}
