// What owners of machines allow.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/owner_rules.hpp"
#include "actors/core/schedule.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

time_window window(const std::string& text) {
  auto out = parse_window(text);
  if (!out)
    FAIL(out.error().text);
  return *out;
}

owner_rules hours(const std::string& text) {
  owner_rules rules;
  rules.hours = {window(text)};
  return rules;
}

constexpr unsigned mon = 0, fri = 4, sat = 5, sun = 6;

unsigned at(unsigned hour, unsigned minute = 0) {
  return hour * 60 + minute;
}

} // namespace

TEST_CASE("owner: hours are read and written") {
  CHECK(window("09:00-17:30") == time_window{at(9), at(17, 30), 0x7f});
  CHECK(window("22:00-07:00 Mon-Fri").days == 0x1f);
  CHECK(window("22:00-07:00 Sat-Mon").days == 0x61);
  CHECK(window("00:00-24:00 Sat,Sun").days == 0x60);
  CHECK(to_string(window("22:00-07:00 Mon-Wed")) == "22:00-07:00 Mon,Tue,Wed");
  for (const char* wrong :
       {"", "9-17", "09:00", "09:00-09:00", "24:00-07:00", "09:60-10:00", "25:00-26:00",
        "09:00-10:00 ", "09:00-10:00 Mo", "09:00-10:00 Mon-", "-1:00-10:00", "09:00-24:01"})
    CHECK_FALSE(parse_window(wrong).ok());
}

TEST_CASE("owner: a night belongs to the day on which it begins") {
  auto rules = hours("22:00-07:00 Mon-Fri");
  CHECK(is_open(rules, {fri, at(22)}));
  CHECK(is_open(rules, {sat, at(6, 59)}));
  CHECK_FALSE(is_open(rules, {sat, at(7)}));
  CHECK_FALSE(is_open(rules, {sat, at(23)}));
  CHECK_FALSE(is_open(rules, {mon, at(3)})); // Sunday's night is not allowed
  CHECK(is_open({}, {mon, at(3)}));
}

TEST_CASE("owner: the reason names when work begins again") {
  auto rules = hours("22:00-07:00 Mon-Fri");
  CHECK(closed_reason(rules, {mon, at(12)}, 0)
        == "its owner allows no work before 22:00, its local time");
  CHECK(closed_reason(rules, {sat, at(12)}, 0)
        == "its owner allows no work before Mon 22:00, its local time");
  CHECK(closed_reason(rules, {mon, at(23)}, 0).empty());
  auto once = hours("09:00-10:00 Sun");
  CHECK(closed_reason(once, {sun, at(10)}, 0).find("Sun 09:00") != std::string::npos);
}

TEST_CASE("owner: no new work above the load") {
  owner_rules rules;
  rules.load = 4;
  CHECK(closed_reason(rules, {}, 4.0).empty());
  CHECK(closed_reason(rules, {}, 4.5) == "its owner allows no new work above a load of 4");
}

TEST_CASE("owner: the scheduler sees the rules as facts") {
  owner_rules rules;
  rules.builders = {"check*", "nightly"};
  rules.slots = 2;
  auto facts = owner_facts(rules, {}, 0);
  CHECK(facts.at(owner_closed_fact).empty());
  CHECK_FALSE(owner_objection(facts, "check-all"));
  CHECK_FALSE(owner_objection(facts, "nightly"));
  CHECK(owner_objection(facts, "release") == "its owner allows only builders check* nightly");
  CHECK(owner_slots(facts, 8) == 2);
  CHECK(owner_slots(facts, 1) == 1);
  CHECK(owner_slots({}, 8) == 8);
  CHECK_FALSE(owner_objection({}, "release"));
}

TEST_CASE("owner: a build of another builder waits, and is told why") {
  host_offer host;
  host.name = {"vega"};
  host.state = host_state::up;
  host.slots = 1;
  host.traits = {{owner_builders_fact, "check*"}};
  auto parsed = requirement::parse("");
  queue_entry entry;
  entry.build = {1};
  entry.needs = std::get<requirement>(parsed);
  entry.builder = "release";
  auto made = make_plan(std::vector<queue_entry>{entry}, {host});
  REQUIRE(made.rest.size() == 1);
  CHECK(made.rest[0].reason.find("its owner allows only builders check*") != std::string::npos);
  entry.builder = "check-all";
  CHECK(make_plan(std::vector<queue_entry>{entry}, {host}).placements.size() == 1);
}
