// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"
#include "actors/core/holds.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;

namespace {

std::vector<event_kind> kinds(const std::vector<event_record>& events) {
  std::vector<event_kind> found;
  for (const auto& event : events)
    found.push_back(event.kind);
  return found;
}

using k = event_kind;

} // namespace

TEST_CASE("events: a new build is told as submitted, with who and why") {
  auto file = queued_build({step("build")});
  file.build.requested_by = "ann";
  file.build.requested_because = "candidate";
  auto told = build_events({}, file, {5});
  REQUIRE(kinds(told) == std::vector{k::build_submitted});
  CHECK(told[0].build == file.build.id);
  CHECK(told[0].builder == "check");
  CHECK(told[0].by == "ann");
  CHECK(told[0].text == "candidate");
  CHECK(told[0].at.ms == 5);
}

TEST_CASE("events: a build's life is told once, move by move") {
  auto file = queued_build({step("build")});
  auto before = file;
  apply_placed(file, {"h1"}, {10});
  auto token = grant_next(file);
  CHECK(kinds(build_events(before, file, {10})) == std::vector{k::build_started});
  before = file;
  apply_started(file, token, {11});
  auto started = build_events(before, file, {11});
  REQUIRE(kinds(started) == std::vector{k::step_started});
  CHECK(started[0].step == "build");
  CHECK(started[0].host.value == "h1");
  CHECK(started[0].attempt.value == 1);
  CHECK(build_events(file, file, {12}).empty());
  before = file;
  apply_ended(file, ended(token, result::failure, "exit code 2"));
  auto finished = build_events(before, file, {13});
  REQUIRE(kinds(finished) == std::vector{k::step_finished});
  CHECK(finished[0].outcome == result::failure);
  CHECK(finished[0].text == "exit code 2");
}

TEST_CASE("events: a step whose start was never heard of is told as started and finished") {
  auto file = queued_build({step("build")});
  apply_placed(file, {"h1"}, {10});
  auto token = grant_next(file);
  auto before = file;
  apply_ended(file, ended(token, result::success));
  CHECK(kinds(build_events(before, file, {13})) == std::vector{k::step_started, k::step_finished});
}

TEST_CASE("events: a lost attempt is told with its reason") {
  auto file = queued_build({step("build")});
  apply_placed(file, {"h1"}, {10});
  auto token = grant_next(file);
  auto before = file;
  apply_lost(file, token, "h1 has been silent for 60 s", {20});
  auto told = build_events(before, file, {20});
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].kind == k::attempt_lost);
  CHECK(told[0].text == "h1 has been silent for 60 s");
}

TEST_CASE("events: short silences of hosts are not told, losses and holds are") {
  CHECK_FALSE(is_told(host_state::up, host_state::suspect));
  CHECK_FALSE(is_told(host_state::up, host_state::up));
  CHECK(is_told(host_state::up, host_state::lost));
  CHECK(is_told(host_state::lost, host_state::up));
  CHECK(is_told(host_state::up, host_state::draining));
}

TEST_CASE("holds: a hold says who, why and until when") {
  host_hold hold{hold_kind::drain, "ann", "new disk", {0}, {60'000}};
  CHECK(hold_sentence(hold) == "drained by ann since  until 1970-01-01T00:01:00.000Z: new disk");
  hold.since = {1000};
  hold.until = {};
  CHECK(hold_sentence(hold) == "drained by ann since 1970-01-01T00:00:01.000Z: new disk");
  CHECK_FALSE(is_over(hold, {1'000'000}));
  hold.until = {2000};
  CHECK_FALSE(is_over(hold, {1999}));
  CHECK(is_over(hold, {2000}));
}

TEST_CASE("events: the end of a campaign is missing only behind the end of a build of it") {
  auto entry_of = [](k kind, uint64_t campaign) {
    event_record event;
    event.kind = kind;
    event.campaign = {campaign};
    return event;
  };
  CHECK(ends_not_told({}).empty());
  CHECK(ends_not_told({entry_of(k::build_finished, 0)}).empty());
  CHECK(ends_not_told({entry_of(k::build_submitted, 1)}).empty());
  CHECK(ends_not_told({entry_of(k::build_finished, 1), entry_of(k::build_finished, 2),
                       entry_of(k::campaign_finished, 1)})
        == std::set<campaign_id>{{2}});
  CHECK(ends_not_told({entry_of(k::campaign_finished, 1), entry_of(k::build_finished, 1)})
        == std::set<campaign_id>{{1}}); // a retry
}
