// Silence as the coordinator heals it: second attempts, and the brake.
// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/healing_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;
using core::ended;

// -- second attempts -----------------------------------------------------------------------------

namespace {

/// h1 is silent from when it has begun a build; h2 is idle.
struct silent_fixture : healing_fixture {
  silent_fixture() : h1{join("h1")}, id{submit_one()} {
    run_all(h1);
    h2 = join("h2");
  }
  machine h1;
  build_id id;
  machine h2;
};

} // namespace

TEST_CASE_METHOD(silent_fixture, "healing: after 2 s of silence the work runs elsewhere too") {
  pass(1750ms, {&h2});
  CHECK(h2.heard.all<assignment>().empty());
  pass(750ms, {&h2}); // 2.5 s at the latest
  REQUIRE(h2.heard.all<assignment>().size() == 1);
  CHECK(h2.heard.all<assignment>()[0].token.attempt.build == id);
  CHECK(file_of(id).steps[0].attempts.at(1).hedge);
  auto told = journal(event_kind::attempt_hedged);
  REQUIRE(told.size() == 1);
  CHECK(told[0].text.find("h1 has been silent for 2.") != std::string::npos);
  pass(5s, {&h2}); // never a third
  CHECK(file_of(id).steps[0].attempts.size() == 2);
}

TEST_CASE_METHOD(silent_fixture, "healing: the second attempt wins and the first is cancelled") {
  pass(3s, {&h2});
  finish(h2);
  CHECK(record(id).outcome == result::success);
  CHECK(record(id).host.value == "h2");
  auto again = join("h1", h1.known, {{id, 1}});
  auto cancels = again.heard.all<cancel_attempt>();
  REQUIRE(cancels.size() >= 1);
  CHECK(cancels[0].token == h1.known[0].token);
  CHECK_FALSE(again.heard.all<close_build>().empty());
  say(again, ended(h1.known[0].token, result::success)); // late: answered, changes nothing
  CHECK(again.heard.all<result_durable>().size() == 1);
  CHECK(file_of(id).steps[0].accepted.value == 2);
}

TEST_CASE_METHOD(silent_fixture, "healing: the silent host comes back first and wins") {
  pass(3s, {&h2});
  auto hedge = h2.heard.all<assignment>().at(0).token;
  run_all(h2);
  say(h1, beat{++h1.beats, 0, h1.known});
  say(h1, ended(h1.known[0].token, result::success));
  CHECK(file_of(id).steps[0].accepted.value == 1);
  REQUIRE(h2.heard.all<cancel_attempt>().size() == 1);
  CHECK(h2.heard.all<cancel_attempt>()[0].token == hedge);
  say(h2, ended(hedge, result::cancelled));
  CHECK(h2.heard.all<result_durable>().size() == 1);
  finish(h1);
  CHECK(record(id).outcome == result::success);
  CHECK(record(id).host.value == "h1");
  CHECK(view_of("h2").slots_used == 0);
  CHECK(view_of("h1").slots_used == 0);
}

TEST_CASE_METHOD(silent_fixture, "healing: when the silent host is lost its hedge stays") {
  pass(3s, {&h2});
  run_all(h2);
  pass(limits::lease, {&h2});
  CHECK(h2.heard.all<assignment>().size() == 1);
  CHECK(file_of(id).build.host.value == "h2");
  CHECK(view_of("h2").slots_used == 1);
  finish(h2);
  CHECK(record(id).outcome == result::success);
  CHECK(view_of("h2").slots_used == 0);
}

TEST_CASE_METHOD(healing_fixture, "healing: queued work goes before second attempts") {
  auto h1 = join("h1");
  submit_one();
  run_all(h1);
  auto waiting = submit_one();
  pass(1500ms, {});
  auto h2 = join("h2");
  pass(3s, {&h2});
  REQUIRE(works_of(h2) == 1);
  CHECK(h2.heard.all<assignment>()[0].token.attempt.build == waiting);
  finish(h2); // now it is idle
  pass(500ms, {&h2});
  CHECK(works_of(h2) == 2);
}

TEST_CASE_METHOD(healing_fixture, "healing: exclusive steps and bound builds wait for their host") {
  bool exclusive = GENERATE(true, false);
  if (exclusive)
    with_exclusive_step();
  auto h1 = join("h1");
  auto made = submit(exclusive ? "" : "h1");
  run_all(h1);
  auto h2 = join("h2");
  pass(10s, {&h2});
  CHECK(h2.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(healing_fixture, "healing: exclusive steps that are hedged are noticed") {
  core::active_mutant = core::mutant::hedge_exclusive;
  with_exclusive_step();
  auto h1 = join("h1");
  submit_one();
  run_all(h1);
  auto h2 = join("h2");
  pass(10s, {&h2});
  CHECK_FALSE(h2.heard.all<assignment>().empty()); // what the case above forbids
}

TEST_CASE_METHOD(silent_fixture, "healing: a restarted coordinator goes on with the race") {
  pass(3s, {&h2});
  run_all(h2);
  restart();
  auto back = join("h2", h2.known, {{id, 2}});
  CHECK(back.heard.all<cancel_attempt>().empty());
  CHECK(back.heard.all<close_build>().empty());
  CHECK(back.heard.all<assignment>().empty());
  auto h1_back = join("h1", h1.known, {{id, 1}});
  CHECK(h1_back.heard.all<cancel_attempt>().empty());
  say(back, ended(h2.known[0].token, result::success));
  CHECK(h1_back.heard.all<cancel_attempt>().size() == 1);
  finish(back);
  for (const auto& order : back.heard.all<close_build>())
    say(back, build_closed{order.build, order.placement, {}, ""});
  CHECK(record(id).outcome == result::success);
  CHECK(record(id).host.value == "h2");
}

TEST_CASE_METHOD(silent_fixture, "healing: a cancelled build ends both attempts") {
  pass(3s, {&h2});
  REQUIRE(cancel(id));
  CHECK(h2.heard.all<cancel_attempt>().size() == 1);
  CHECK(view_of("h2").slots_used == 0);
}

TEST_CASE_METHOD(silent_fixture, "healing: nothing is doubted when the coordinator was stopped") {
  pass(1s, {&h1, &h2});
  // 30 s in which nothing of this process runs; then the timers are due, and after them what waits
  // in the sockets is read.
  scheduler().clock().advance_time(30s);
  settle();
  CHECK(view_of("h1").state == host_state::up);
  pass(1s, {&h1, &h2});
  CHECK(h2.heard.all<assignment>().empty());
  CHECK(journal(event_kind::attempt_lost).empty());
  SECTION("but the defect of counting that time is noticed") {
    core::active_mutant = core::mutant::stopped_is_silence;
    scheduler().clock().advance_time(30s);
    settle();
    CHECK(view_of("h1").state != host_state::up);
  }
}

// -- half the herd -------------------------------------------------------------------------------

TEST_CASE_METHOD(healing_fixture, "healing: half the herd gone at once is not believed at first") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto h3 = join("h3");
  auto h4 = join("h4");
  submit("h1");
  auto first = submit_one();
  run_all(h2);
  REQUIRE(h2.heard.all<assignment>().size() == 1);
  pass(1s, {&h1, &h2, &h3, &h4});
  pass(1500ms, {&h3, &h4});
  auto alarms = journal(event_kind::herd_alarm);
  REQUIRE(alarms.size() == 2); // suspected, then checked: all actors answer
  CHECK(alarms[0].text.find("2 of 4") != std::string::npos);
  pass(2s, {&h3, &h4});
  CHECK(h3.heard.all<assignment>().size() + h4.heard.all<assignment>().size() == 1);
  CHECK(file_of(first).steps[0].attempts.size() == 2);
  say(h1, beat{++h1.beats, 0, h1.known});
  pass(1s, {&h1, &h3, &h4});
  CHECK(journal(event_kind::herd_alarm).size() == 3);
}

TEST_CASE_METHOD(healing_fixture, "healing: losses of many hosts at once poison nothing") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto h3 = join("h3");
  auto h4 = join("h4");
  auto id = submit_one();
  pass(1s, {&h1, &h2, &h3, &h4});
  pass(limits::lease + 5s, {});
  CHECK(record(id).state != build_state::finished);
  auto back = join("h4");
  pass(3s, {&back});
  finish(back);
  CHECK(record(id).outcome == result::success);
}
