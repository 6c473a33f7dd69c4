// SPDX-License-Identifier: Apache-2.0
#include "actors/core/allowance.hpp"
#include "actors/core/black_hole.hpp"
#include "actors/core/health.hpp"
#include "actors/core/herd_alarm.hpp"
#include "actors/core/holds.hpp"
#include "actors/core/ladder.hpp"
#include "actors/core/liveness.hpp"
#include "schema/limits_healing.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

// -- silence that is our own ---------------------------------------------------------------------

TEST_CASE("liveness: time in which the coordinator was stopped is nobody's silence") {
  CHECK(own_absence(0ms, 200ms) == 0ms);
  CHECK(own_absence(190ms, 200ms) == 0ms); // a little late
  CHECK(own_absence(30s, 200ms) == 30s);
}

TEST_CASE("allowance: so many at once, then one with each span") {
  allowance out;
  CHECK(take(out, 2, 1s, 10s));
  CHECK(take(out, 2, 1s, 10s));
  CHECK_FALSE(take(out, 2, 1s, 10s + 900ms));
  CHECK(take(out, 2, 1s, 11s));
  CHECK_FALSE(take(out, 2, 1s, 11s + 500ms));
  CHECK(take(out, 2, 1s, 12s));
  CHECK(take(out, 2, 1s, 100s));
  CHECK(take(out, 2, 1s, 100s));
  CHECK_FALSE(take(out, 2, 1s, 100s));
}

// -- half the herd -------------------------------------------------------------------------------

TEST_CASE("herd alarm: half of four hosts at once brakes, a check frees, their return ends it") {
  herd_watch watch;
  CHECK_FALSE(look_at_herd(watch, {10s, 3, {9s}}));
  auto alarm = look_at_herd(watch, {10s, 2, {8500ms, 9s}});
  REQUIRE(alarm);
  CHECK(alarm->find("2 of 4") != std::string::npos);
  CHECK(watch.mood == herd_mood::braked);
  CHECK_FALSE(own_side_checked(watch, "host_link/h1 does not answer"));
  CHECK(watch.mood == herd_mood::braked);
  CHECK(own_side_checked(watch, ""));
  CHECK(watch.mood == herd_mood::careful);
  CHECK_FALSE(look_at_herd(watch, {20s, 2, {8500ms, 9s}}));
  CHECK(look_at_herd(watch, {30s, 4, {}}));
  CHECK(watch.mood == herd_mood::calm);
}

TEST_CASE("herd alarm: small herds, and hosts that go one by one, raise none") {
  herd_watch watch;
  CHECK_FALSE(look_at_herd(watch, {10s, 0, {9s, 9s, 9s}}));
  CHECK_FALSE(look_at_herd(watch, {20s, 2, {10s, 15s}}));
  CHECK(watch.mood == herd_mood::calm);
}

TEST_CASE("herd alarm: it does not last for ever") {
  herd_watch watch;
  REQUIRE(look_at_herd(watch, {10s, 0, {9s, 9s, 9s, 9s}}));
  CHECK_FALSE(look_at_herd(watch, {9s + limits::alarm_time_max, 0, {}}));
  CHECK(look_at_herd(watch, {10s + limits::alarm_time_max, 0, {}}));
  CHECK(watch.mood == herd_mood::calm);
}

// -- black holes ---------------------------------------------------------------------------------

namespace {

build_record over(uint64_t id, const char* host, result outcome, int64_t began, int64_t took) {
  build_record build;
  build.id = {id};
  build.builder = "check";
  build.state = build_state::finished;
  build.outcome = outcome;
  build.host = {host};
  build.started_at = {began};
  build.finished_at = {began + took};
  return build;
}

} // namespace

TEST_CASE("black hole: what fails fast in a row and passes elsewhere speaks against the host") {
  fault_book book;
  for (uint64_t i = 1; i <= 3; ++i)
    note_end(book, over(i, "h1", result::failure, static_cast<int64_t>(1000 * i), 50), "linux/x");
  CHECK(find_black_holes(book).empty()); // it may be the code
  note_end(book, over(9, "h2", result::success, 900, 5000), "linux/x");
  auto found = find_black_holes(book);
  REQUIRE(found.size() == 1);
  CHECK(found[0].host.value == "h1");
  CHECK(found[0].streak.size() == 3);
  CHECK(found[0].evidence.find("passed on h2") != std::string::npos);
  forget_streak(book, {"h1"});
  CHECK(find_black_holes(book).empty());
}

TEST_CASE("black hole: all that it has eaten is given back, not only the last of it") {
  fault_book book;
  for (uint64_t i = 1; i <= 100; ++i)
    note_end(book, over(i, "h1", result::failure, static_cast<int64_t>(10 * i), 5), "linux/x");
  note_end(book, over(101, "h2", result::success, 900, 5000), "linux/x");
  auto found = find_black_holes(book);
  REQUIRE(found.size() == 1);
  CHECK(found.front().streak.size() == 100);
}

TEST_CASE("black hole: what a quarantined host is owed for is told by the builds themselves") {
  std::vector<build_record> known;
  auto add = [&](uint64_t id, const char* host, result outcome, int64_t took = 50) -> auto& {
    auto began = static_cast<int64_t>(1000 * id);
    return known.emplace_back(over(id, host, outcome, began, took));
  };
  add(1, "h1", result::failure); // it has passed one since
  add(2, "h1", result::success);
  add(4, "h1", result::failure);
  add(3, "h1", result::failure);
  add(5, "h2", result::failure);
  add(6, "h1", result::failure);
  add(7, "h2", result::success).retry_of = {4};
  add(8, "h1", result::failure).state = build_state::running;
  auto owed = owed_repeats({"h1"}, known);
  REQUIRE(owed.size() == 2);
  CHECK(owed[0].build == build_id{3});
  CHECK(owed[1].build == build_id{6});
  CHECK(owed_repeats({"h3"}, known).empty());
}

TEST_CASE("black hole: broken code, slow failures and other kinds of hosts are none") {
  fault_book book;
  note_end(book, over(9, "h2", result::success, 0, 500), "linux/x"); // before it broke
  auto fails = [&](int64_t took, const char* kind) {
    for (uint64_t i = 1; i <= 4; ++i)
      note_end(book, over(i, "h1", result::failure, static_cast<int64_t>(1000 * i), took), kind);
  };
  SECTION("the code has broken since it passed elsewhere") {
    fails(50, "linux/x");
  }
  SECTION("slow ones do not eat the queue") {
    fails(limits::black_hole_fast.count() + 1, "linux/x");
    note_end(book, over(10, "h2", result::success, 9000, 500), "linux/x");
  }
  SECTION("another system may well pass what this one fails") {
    fails(50, "freebsd/x");
    note_end(book, over(10, "h2", result::success, 9000, 500), "linux/x");
  }
  SECTION("one that passes between them ends the row") {
    fails(50, "linux/x");
    note_end(book, over(5, "h1", result::success, 8000, 50), "linux/x");
    note_end(book, over(10, "h2", result::success, 9000, 500), "linux/x");
  }
  CHECK(find_black_holes(book).empty());
}

// -- the ladder ----------------------------------------------------------------------------------

TEST_CASE("ladder: agent, reboot, power, each twice, each given time, then it is given up") {
  restart_commands commands{"a", "r", "p", 100, 24h};
  ladder_record record;
  wall_time now{1'000'000};
  wall_time lost = now;
  std::string climbed;
  std::string why;
  for (int steps = 0; steps < 100 && why.empty(); ++steps) {
    auto move = next_rung(commands, record, lost, now);
    if (const auto* wait = std::get_if<ladder_wait>(&move)) {
      REQUIRE(wait->until > now);
      now = wait->until;
    } else if (const auto* run = std::get_if<ladder_run>(&move)) {
      climbed += run->command;
      apply_run(record, run->rung, commands, now);
    } else if (const auto* end = std::get_if<ladder_give_up>(&move)) {
      why = end->why;
    }
  }
  CHECK(climbed == "aarrpp");
  CHECK_FALSE(why.empty());
  record.rung = ladder_rung::given_up;
  CHECK(std::holds_alternative<ladder_rest>(next_rung(commands, record, lost, now)));
}

TEST_CASE("ladder: a record that is read back goes on where it stood") {
  restart_commands commands{"a", "r", "", 100, 24h};
  ladder_record record{ladder_rung::agent, 2, {{1000}}, ""};
  auto soon = next_rung(commands, record, {0}, {2000});
  REQUIRE(std::holds_alternative<ladder_wait>(soon));
  auto late = next_rung(commands, record, {0}, std::get<ladder_wait>(soon).until);
  CHECK(late == ladder_move{ladder_run{ladder_rung::reboot, "r"}});
}

TEST_CASE("ladder: the budget of a period holds over many losses") {
  restart_commands commands{"a", "", "", 2, 1h};
  ladder_record record;
  for (int64_t at : {0, 60'000}) {
    auto move = next_rung(commands, record, {at}, {at + limits::ladder_first.count()});
    REQUIRE(std::holds_alternative<ladder_run>(move));
    apply_run(record, ladder_rung::agent, commands, {at + limits::ladder_first.count()});
    apply_back(record);
  }
  auto third = next_rung(commands, record, {120'000}, {200'000});
  REQUIRE(std::holds_alternative<ladder_wait>(third));
  CHECK(std::get<ladder_wait>(third).until.ms == limits::ladder_first.count() + 3'600'000);
  CHECK(record.runs.size() == 2);
}

TEST_CASE("ladder: a host without commands is left alone; outcomes are one line") {
  CHECK(std::holds_alternative<ladder_rest>(next_rung({}, {}, {0}, {1'000'000'000})));
  CHECK(outcome_words(0, "") == "it ran well");
  CHECK(outcome_words(3, "no route\n") == "it ended with exit code 3: no route");
  CHECK(outcome_words(-1, "").find("could not") != std::string::npos);
  CHECK(outcome_words(1, std::string(5000, 'x')).size() < 300);
}

// -- health --------------------------------------------------------------------------------------

TEST_CASE("health: below a floor is trouble, and only twice the floor is well again") {
  vital_signs seen;
  CHECK(trouble_of(seen, false).empty());
  seen.disk_free = limits::health_disk_min - 1;
  CHECK(trouble_of(seen, false).find("of disk are free") != std::string::npos);
  seen.disk_free = limits::health_disk_min + 1;
  CHECK(trouble_of(seen, false).empty());
  CHECK_FALSE(trouble_of(seen, true).empty());
  seen.disk_free = 2 * limits::health_disk_min;
  CHECK(trouble_of(seen, true).empty());
  seen.inodes_free = 3;
  CHECK(trouble_of(seen, false).find("3 inodes") != std::string::npos);
  seen.inodes_free.reset();
  seen.memory_free = 1024;
  CHECK(trouble_of(seen, false).find("memory") != std::string::npos);
  seen.memory_free.reset();
  seen.load = 1000;
  CHECK(trouble_of(seen, false).empty()); // of unknown cores
  seen.cores = 2;
  CHECK(trouble_of(seen, false).find("load of 1000 on 2 cores") != std::string::npos);
  seen.load = 20;
  CHECK(trouble_of(seen, false).empty());
  seen.compiler_trouble = "cc can't compile";
  CHECK(trouble_of(seen, false) == "cc can't compile");
}

TEST_CASE("health: a clock is wrong only if no delay explains what it told") {
  CHECK(clock_trouble(5000, 1000, 9000).empty());
  CHECK(clock_trouble(18'000, 1000, 9000).empty()); // borne
  CHECK(clock_trouble(60'000, 1000, 9000) == "its clock is 51.0 s ahead");
  CHECK(clock_trouble(1000, 41'000, 45'000) == "its clock is 40.0 s behind");
}

TEST_CASE("holds: each kind has its state and its words") {
  CHECK(held_state(hold_kind::quarantine) == host_state::quarantined);
  CHECK(held_state(hold_kind::health) == host_state::draining);
  CHECK(held_state(hold_kind::none) == host_state::up);
  CHECK(hold_sentence({hold_kind::quarantine, "farm", "it fails", {0}, {}})
          .starts_with("quarantined by farm since "));
}
