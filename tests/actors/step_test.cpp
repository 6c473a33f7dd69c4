// SPDX-License-Identifier: Apache-2.0
#include "actors/step.hpp"
#include "schema/limits_host.hpp"
#include "tests/actors/host_fixture.hpp"

#include <caf/typed_response_promise.hpp>

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(host_fixture, "step: a fresh attempt runs, its log and result are reported") {
  start();
  auto token = run(7);
  REQUIRE(spool->attempts.at(token).alive);
  CHECK(all<attempt_started>().empty()); // it may be over at once
  advance(limits::start_told_after + limits::log_poll_max);
  CHECK(all<attempt_started>() == std::vector<attempt_started>{{token, {5000}}});
  spool->print(token, "checking\n");
  advance(limits::log_poll_max);
  CHECK(log_heard().empty()); // it asks first how much is stored
  say(log_durable{token, 0});
  CHECK(log_heard() == "checking\n");
  spool->print(token, "done\n");
  spool->exit(token, exited(0));
  settle();
  CHECK(log_heard() == "checking\ndone\n");
  CHECK(all<attempt_ended>().empty()); // its log comes first
  say(log_durable{token, 14});
  auto ended = all<attempt_ended>();
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].token == token);
  CHECK(ended[0].outcome == result::success);
  CHECK(ended[0].exit_code == 0);
  CHECK(ended[0].log_bytes == 14);
  CHECK(ended[0].finished_at == wall_time{2000});
  CHECK_FALSE(ended[0].keeper_lost);
}

TEST_CASE_METHOD(host_fixture, "step: its command gets the environment of the contract") {
  start();
  auto work = work_of(7);
  work.step.env = {{"LC_ALL", "C"}, {"CI", "maybe"}};
  say(work);
  auto order = spool->attempts.at(work.token).order.value();
  string_map expected_env{
    {"PATH", "/usr/bin"},
    {"DROVER", "1"},
    {"CI", "maybe"},
    {"LC_ALL", "C"},
    {"DROVER_BUILD_ID", "7"},
    {"DROVER_BUILDER", "check"},
    {"DROVER_STEP", "test"},
    {"DROVER_ATTEMPT", "1"},
    {"DROVER_HOST", "h1"},
    {"DROVER_SOURCE", ""},
    {"DROVER_REVISION", ""},
    {"DROVER_CORES", "4"},
    {"DROVER_OUT", "/spot/7-1/out"},
    {"DROVER_WORKSPACE", "/spot/7-1/src"},
    {"DROVER_ATTEMPT_TOKEN", "3-4d-7-0-1"},
    {"TMPDIR", "/spot/7-1/tmp"},
  };
  CHECK(order.env == expected_env);
  CHECK(order.run == "make check");
  CHECK(order.workspace == "/spot/7-1/src");
  CHECK(order.timeout == limits::step_timeout_default);
  CHECK(order.silence == limits::step_silence_default);
}

TEST_CASE_METHOD(host_fixture, "step: unconfirmed log is bounded by the window") {
  start();
  auto token = run(7);
  spool->print(token, std::string(3 * limits::log_flow_bytes, 'x'));
  advance(limits::log_poll_max);
  say(log_durable{token, 0});
  CHECK(log_heard().size() == limits::log_flow_bytes);
  for (const auto& chunk : all<log_chunk>())
    CHECK(chunk.bytes.size() <= limits::log_piece_bytes);
  say(log_durable{token, 100}); // room, but not for a whole piece
  CHECK(log_heard().size() == limits::log_flow_bytes);
  say(log_durable{token, limits::log_piece_bytes});
  CHECK(log_heard().size() == limits::log_flow_bytes + limits::log_piece_bytes);
}

TEST_CASE_METHOD(host_fixture, "step: after a reconnect the log resumes at the confirmed byte") {
  start();
  auto token = run(7);
  spool->print(token, "0123456789");
  advance(limits::log_poll_max);
  say(log_durable{token, 4});
  drop_link();
  spool->print(token, "abc");
  advance(limits::reconnect_max);
  auto chunks = all<log_chunk>();
  REQUIRE(chunks.size() >= 1);
  CHECK(chunks[0] == log_chunk{token, 4, ""}); // asks first
  CHECK(log_heard().empty());
  say(log_durable{token, 7}); // had arrived, its confirmation had not
  CHECK(log_heard() == "789abc");
  CHECK(all<log_chunk>().back().offset == 7);
}

TEST_CASE_METHOD(host_fixture, "step: a lost chunk is sent again when nothing is confirmed") {
  start();
  auto token = run(7);
  spool->print(token, "0123456789");
  advance(limits::log_poll_max);
  heard->clear(); // the chunk was lost
  advance_with_beats(limits::resend_after + limits::log_poll_max);
  REQUIRE(all<log_chunk>().size() == 1);
  CHECK(all<log_chunk>()[0].bytes.empty());
  say(log_durable{token, 0});
  CHECK(log_heard() == "0123456789");
}

TEST_CASE_METHOD(host_fixture, "step: the result is repeated until it is durable, then no more") {
  start();
  auto token = run(7);
  spool->exit(token, exited(2));
  settle();
  REQUIRE(all<attempt_ended>().size() == 1);
  advance_with_beats(limits::resend_after);
  REQUIRE(all<attempt_ended>().size() == 2);
  CHECK(all<attempt_ended>()[0] == all<attempt_ended>()[1]);
  CHECK(all<attempt_ended>()[0].reason == "exit code 2");
  say(result_durable{token});
  CHECK(spool->attempts.at(token).confirmed_at == wall_time{5000});
  advance_with_beats(3 * limits::resend_after);
  CHECK(all<attempt_ended>().size() == 2);
  CHECK(all<beat>().back().known.empty());
}

TEST_CASE_METHOD(host_fixture, "step: an end without connection is reported after the reconnect") {
  start();
  auto token = run(7);
  reachable = false;
  drop_link();
  spool->print(token, "late\n");
  spool->exit(token, exited(0));
  advance(1min);
  reachable = true;
  advance(limits::reconnect_max);
  say(log_durable{token, 0});
  CHECK(log_heard() == "late\n");
  say(log_durable{token, 5});
  CHECK(all<attempt_ended>().size() == 1);
}

TEST_CASE_METHOD(host_fixture, "step: a cancel reaches the keeper, its account is the result") {
  start();
  auto token = run(7);
  say(cancel_attempt{token, "asked by ann"});
  CHECK(spool->attempts.at(token).cancelled_because == "asked by ann");
  CHECK(all<attempt_ended>().empty());
  spool->exit(token, {result::cancelled, 143, "asked by ann", {1000}, {2000}});
  settle();
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].outcome == result::cancelled);
}

TEST_CASE_METHOD(host_fixture,
                 "step: a cancel while its source is fetched ends it without a start") {
  start();
  auto work = work_of(7, {source_kind::tarball, "a.tar", "aa", "", 10});
  say(work);
  say(cancel_attempt{work.token, "superseded"});
  say(log_durable{work.token, 0});
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].outcome == result::cancelled);
  CHECK(all<attempt_ended>()[0].reason == "superseded");
  CHECK(spool->attempts.at(work.token).starts == 0);
}

TEST_CASE_METHOD(host_fixture,
                 "step: a lost keeper is said, after a restart of the agent as well") {
  start();
  auto token = run(7);
  spool->lose_keeper(token);
  settle();
  REQUIRE(all<attempt_ended>().size() == 1);
  auto ended = all<attempt_ended>()[0];
  CHECK(ended.keeper_lost);
  CHECK(ended.outcome == result::exception);
  CHECK(ended.reason.starts_with("keeper lost: "));
  restart();
  say(log_durable{token, 0});
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0] == ended);
}

TEST_CASE_METHOD(host_fixture, "step: a keeper that died while the agent was away is lost") {
  start();
  auto token = run(7);
  crash(host.agent);
  crash(host.census);
  spool->lose_keeper(token);
  start();
  say(log_durable{token, 0});
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].keeper_lost);
  CHECK(spool->attempts.at(token).starts == 1);
}

TEST_CASE_METHOD(host_fixture, "step: a lost keeper is said although its workspace is gone too") {
  auto work = work_of(7, {source_kind::tarball, "a.tar", "aa", "", 10});
  spool->enter(work);
  spool->attempts.at(work.token).order.emplace(); // the host was rebooted while it ran
  start();
  say(log_durable{work.token, 0});
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].keeper_lost);
  CHECK(all<blob_want>().empty());
}

TEST_CASE_METHOD(host_fixture, "step: an end that the disk refuses is recorded once it can be") {
  start();
  auto token = run(7);
  spool->full = true;
  spool->lose_keeper(token);
  advance_with_beats(3 * limits::resend_after);
  CHECK(all<attempt_ended>().empty());
  spool->full = false;
  advance_with_beats(limits::resend_after);
  CHECK(all<attempt_ended>().size() == 1);
}

TEST_CASE_METHOD(host_fixture, "step: a log that can't be read does not hold the result back") {
  start();
  auto token = run(7);
  spool->print(token, "0123456789");
  advance(limits::log_poll_max);
  say(log_durable{token, 10});
  spool->unreadable_from = 10;
  spool->print(token, "abc");
  spool->exit(token, exited(0));
  settle();
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].outcome == result::success);
  CHECK(all<attempt_ended>()[0].log_bytes == 10);
  CHECK(all<attempt_ended>()[0].reason
        == "its log can't be read from byte 10 on: log: input/output error");
}

TEST_CASE_METHOD(host_fixture, "step: what had to be killed at its end is reported, fit to show") {
  start();
  auto token = run(7);
  auto account = exited(0);
  account.leftovers = "killed, left running by the step: sleep (pid 12)\n\x1b[1m";
  spool->exit(token, account);
  settle();
  REQUIRE(all<attempt_ended>().size() == 1);
  auto said = all<attempt_ended>()[0].leftovers;
  CHECK(said.starts_with("killed, left running by the step: sleep (pid 12)"));
  CHECK(said.find_first_of("\n\x1b") == std::string::npos);
}

TEST_CASE_METHOD(host_fixture, "step: a terminal is passed on to its keeper") {
  start();
  auto work = work_of(7);
  work.step.pty = true;
  say(work);
  CHECK(spool->attempts.at(work.token).order->pty);
}

TEST_CASE_METHOD(host_fixture, "step: an exclusive one is renewed by answered beats alone") {
  start();
  auto work = work_of(7);
  work.step.exclusive = true;
  say(work);
  const auto& attempt = spool->attempts.at(work.token);
  auto span = limits::lease - limits::kill_grace;
  CHECK(attempt.order->lease == span);
  advance_with_beats(10s);
  auto renewed = attempt.leases.size();
  CHECK(renewed >= 2);
  for (auto left : attempt.leases) {
    CHECK(left <= span);
    CHECK(left > span - limits::beat_interval);
  }
  drop_link();
  reachable = false;
  advance(2 * limits::lease);
  CHECK(attempt.leases.size() == renewed); // its keeper ends it by itself now
}

namespace {

/// A step alone with a workspace that is made when the test says so.
struct slow_workspace_fixture : host_fixture {
  using promise = caf::typed_response_promise<expected<prepared>>;

  void begin(const step_spec& step) {
    auto work = work_of(7);
    work.step = step;
    token = work.token;
    REQUIRE_FALSE(spool->enter(work));
    slow = keep(system.spawn([this](workspace_actor::pointer self) {
      return workspace_actor::behavior_type{
        [this, self](const prepare_workspace&) {
          asked = self->make_response_promise<expected<prepared>>();
          return asked;
        },
        [](const end_workspace&) {},
        [](const blob_piece&) {},
        [](const blob_stored&) {},
        [](const connected&) {},
        [](const not_connected&) {},
        [this](atom::tick) {
          asked.deliver(expected<prepared>{prepared{"/w", "/o", "/t"}});
        },
        [](atom::describe) { return actor_entry{}; },
      };
    }));
    one = keep(system.spawn(drover::step, step_setup{work, settings, {}, slow, {}}));
    settle();
  }

  void online() {
    link = spawn_ear<farm_link_actor, host_message>(heard);
    tell(one, connected{welcome{{3, 77}, {1}, 500ms, 60s}, link});
  }
  void offline() { tell(one, not_connected{"the cable"}); }
  void workspace_is_made() { tell(slow, atom::tick::value); }
  const std::optional<keeper_order>& order() { return spool->attempts.at(token).order; }

  grant_token token;
  promise asked;
  workspace_actor slow;
  step_actor one;
};

step_spec exclusive_step() {
  step_spec step;
  step.name = "deploy";
  step.exclusive = true;
  return step;
}

} // namespace

TEST_CASE_METHOD(
  slow_workspace_fixture,
  "step: an exclusive one that starts without a link has what is left of one lease") {
  begin(exclusive_step());
  SECTION("of a link that it lost") {
    online();
    offline();
    advance(12s);
    workspace_is_made();
    REQUIRE(order());
    CHECK(order()->lease == limits::lease - limits::kill_grace - 12s);
  }
  SECTION("all of it, if it never had one") {
    advance(12s);
    workspace_is_made();
    REQUIRE(order());
    CHECK(order()->lease == limits::lease - limits::kill_grace);
  }
  advance(limits::lease);
  CHECK(spool->attempts.at(token).leases.empty());
}

TEST_CASE_METHOD(slow_workspace_fixture,
                 "step: an exclusive one whose lease is over before its start waits for the link") {
  begin(exclusive_step());
  online();
  offline();
  advance(limits::lease);
  workspace_is_made();
  CHECK_FALSE(order());
  advance(1h);
  CHECK_FALSE(order());
  SECTION("and starts then") {
    online();
    CHECK_FALSE(order()); // it may be cancelled yet: another host has it
    advance(limits::resend_after);
    REQUIRE(order());
    CHECK(order()->lease == limits::lease - limits::kill_grace);
  }
  SECTION("and never starts if it is cancelled then") {
    online();
    tell(one, cancel_attempt{token, "it runs on h2"});
    advance(limits::resend_after);
    CHECK_FALSE(order());
    REQUIRE_FALSE(all<attempt_ended>().empty()); // of a log without bytes, nothing need be asked
    CHECK(spool->attempts.at(token).account->outcome == result::cancelled);
  }
}

TEST_CASE_METHOD(slow_workspace_fixture, "step: any other starts without a link, for a day") {
  begin({});
  online();
  offline();
  advance(2 * limits::lease);
  workspace_is_made();
  REQUIRE(order());
  CHECK(order()->lease == limits::orphan_time);
}
