// When a timer's builds are due.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/timer.hpp"
#include "schema/limits_timer.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

constexpr int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr wall_time midnight{20'000 * day};

cron_schedule schedule(const char* text) {
  return std::get<cron_schedule>(parse_cron(text));
}

timer_decision decide(const char* text, wall_time last, wall_time now) {
  return decide_timer(schedule(text), utc_clock(), last, now);
}

} // namespace

TEST_CASE("timer: nothing is due before its time, and the next one is known") {
  auto made = decide("0 3 * * *", midnight, {midnight.ms + 2 * hour});
  CHECK_FALSE(made.run);
  CHECK(made.next == wall_time{midnight.ms + 3 * hour});
}

TEST_CASE("timer: a time that has come is run once") {
  wall_time three{midnight.ms + 3 * hour};
  auto made = decide("0 3 * * *", midnight, three);
  CHECK(made.run == three);
  CHECK(made.next == wall_time{three.ms + day});
  CHECK_FALSE(decide("0 3 * * *", three, {three.ms + 1}).run);
}

TEST_CASE("timer: of several that passed the newest is run, the others are counted") {
  auto made = decide("0 * * * *", midnight, {midnight.ms + 5 * hour + minute});
  CHECK(made.run == wall_time{midnight.ms + 5 * hour});
  CHECK(made.missed == 4);
  CHECK(timer_note(made, {made.run->ms + 10 * minute}).find("4 earlier times left out")
        != std::string::npos);
}

TEST_CASE("timer: what passed too long ago is not made up for") {
  auto made = decide("0 3 * * 0", midnight, {midnight.ms + 6 * day});
  if (!made.run)
    CHECK(made.last);
  auto late = decide("0 3 1 1 *", {0}, midnight);
  CHECK_FALSE(late.run);
  CHECK(late.too_old);
  CHECK(late.last);
  CHECK(*late.next > midnight);
}

TEST_CASE("timer: all that passed too long ago is passed over at once") {
  wall_time now{midnight.ms + 400 * day + 12 * hour};
  for (const auto* text : {"0 3 * * 0", "0 3 1 1 *", "* * * 1 *"}) {
    CAPTURE(text);
    auto of = schedule(text);
    auto made = decide_timer(of, utc_clock(), midnight, now);
    REQUIRE(made.too_old);
    CHECK_FALSE(made.run);
    CHECK(made.missed == 0);
    CHECK(*made.last < now);
    CHECK(next_slot(of, utc_clock(), *made.last) == made.next);
    CHECK_FALSE(decide_timer(of, utc_clock(), *made.last, now).last);
  }
}

TEST_CASE("timer: a step beyond the end of its field leaves the first value alone") {
  for (const auto* text : {"5/60 * * * *", "5/4294967295 * * * *", "5-59/4294967291 * * * *"})
    CHECK(schedule(text) == schedule("5 * * * *"));
}

TEST_CASE("timer: one that is late says so, one that is not says nothing") {
  auto made = decide("0 3 * * *", midnight, {midnight.ms + 4 * hour});
  REQUIRE(made.run);
  CHECK(timer_note(made, {midnight.ms + 4 * hour}).starts_with("late: its time was "));
  CHECK(timer_note(made, {made.run->ms + 1000}).empty());
}

TEST_CASE("timer: a clock that was set back runs nothing twice") {
  wall_time three{midnight.ms + 3 * hour};
  auto made = decide("0 3 * * *", three, {midnight.ms - 5 * day});
  CHECK_FALSE(made.run);
  CHECK(made.next == wall_time{three.ms + day});
}

TEST_CASE("timer: a clock that was set forward by a year runs one at most") {
  auto made = decide("* * * * *", midnight, {midnight.ms + 365 * day});
  CHECK(made.run == wall_time{midnight.ms + 365 * day});
  CHECK(made.missed <= limits::timer_missed_max);
}
