// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/host_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(host_fixture, "host agent: it beats as often as the coordinator asked") {
  start();
  auto token = run(7);
  advance_with_beats(2s);
  auto beats = all<beat>();
  CHECK(beats.size() == 5);
  for (size_t i = 0; i < beats.size(); ++i)
    CHECK(beats[i].sequence == i + 1);
  CHECK(beats.back().known == std::vector<known_attempt>{{token, known_state::running, 0}});
}

TEST_CASE_METHOD(host_fixture, "host agent: an assignment sent twice runs once") {
  start();
  auto token = run(7);
  say(work_of(7));
  CHECK(spool->attempts.at(token).starts == 1);
  spool->exit(token, exited(0));
  settle();
  say(work_of(7)); // ended, not yet confirmed
  say(result_durable{token});
  CHECK(all<attempt_ended>().size() == 1);
}

TEST_CASE_METHOD(host_fixture,
                 "host agent: a result that is ordered again is told out of the spool") {
  start();
  auto token = run(7);
  spool->print(token, "log");
  spool->exit(token, exited(0));
  settle();
  say(log_durable{token, 3});
  say(result_durable{token});
  REQUIRE(all<attempt_ended>().size() == 1);
  say(work_of(7)); // by a coordinator whose store was put back
  say(log_durable{token, 3});
  CHECK(spool->attempts.at(token).starts == 1);
  REQUIRE(all<attempt_ended>().size() == 2);
  CHECK(all<attempt_ended>()[1] == all<attempt_ended>()[0]);
  say(result_durable{token});
  advance_with_beats(1s);
  CHECK(all<beat>().back().known.empty());
}

TEST_CASE_METHOD(host_fixture, "host agent: a restart adopts a running attempt, reported once") {
  start();
  auto token = run(7);
  spool->print(token, "before ");
  restart();
  CHECK(greetings.back().known == std::vector<known_attempt>{{token, known_state::running, 7}});
  CHECK(spool->attempts.at(token).starts == 1);
  say(log_durable{token, 7});
  spool->print(token, "after");
  spool->exit(token, exited(0));
  settle();
  CHECK(log_heard() == "after");
  say(log_durable{token, 12});
  say(result_durable{token});
  advance_with_beats(3 * limits::resend_after);
  CHECK(all<attempt_ended>().size() == 1);
}

TEST_CASE_METHOD(host_fixture, "host agent: an attempt entered but not started is started anew") {
  auto work = work_of(7);
  spool->enter(work);
  start();
  CHECK(greetings.back().known
        == std::vector<known_attempt>{{work.token, known_state::preparing, 0}});
  CHECK(spool->attempts.at(work.token).starts == 1);
}

TEST_CASE_METHOD(host_fixture, "host agent: a confirmed attempt in the spool is not reported") {
  spool->enter(work_of(7));
  spool->attempts.at(token_of(7)).account = exited(0);
  spool->confirm(token_of(7), {4000});
  start();
  CHECK(greetings.back().known.empty());
  CHECK(all<beat>().back().known.empty());
}

TEST_CASE_METHOD(host_fixture, "host agent: a coordinator that falls silent is connected to anew") {
  start();
  advance_with_beats(10s);
  REQUIRE(greetings.size() == 1);
  advance(500ms * limits::beats_unanswered_max - 1ms);
  CHECK(greetings.size() == 1);
  advance(1s);
  CHECK(greetings.size() == 2);
}

TEST_CASE_METHOD(host_fixture, "host agent: reconnects back off, and start quickly after success") {
  reachable = false;
  start();
  advance(1min);
  auto tries = greetings.size();
  CHECK(tries > 10);
  CHECK(tries < 30);
  reachable = true;
  advance(limits::reconnect_max);
  REQUIRE(greetings.size() == tries + 1);
  advance_with_beats(1s);
  drop_link();
  advance(limits::reconnect_first);
  CHECK(greetings.size() == tries + 2);
}

TEST_CASE_METHOD(host_fixture,
                 "host agent: links that die before a beat is answered back off too") {
  start();
  for (int i = 0; i < 600; ++i) {
    drop_link();
    advance(100ms);
  }
  CHECK(greetings.size() < 30);
}

TEST_CASE_METHOD(host_fixture, "host agent: a refusal ends the link, and is tried again later") {
  start();
  say(refusal{"unknown host h1"});
  CHECK(greetings.size() == 1);
  advance(limits::reconnect_first);
  CHECK(greetings.size() == 2);
}

TEST_CASE_METHOD(host_fixture, "host agent: a try that is never answered is given up") {
  settings.connect = [this](const hello& greeting, const host_agent_actor&) {
    greetings.push_back(greeting);
  };
  start();
  advance(limits::connect_patience - 1ms);
  CHECK(greetings.size() == 1);
  advance(1ms + limits::reconnect_first);
  CHECK(greetings.size() == 2);
}

TEST_CASE_METHOD(host_fixture, "host agent: an attempt that the disk refuses is refused with why") {
  start();
  spool->full = true;
  say(work_of(7));
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].outcome == result::exception);
  CHECK(all<attempt_ended>()[0].reason
        == "the attempt can't be kept on this host: spool: no space left on device");
  // That it is unwell is said before it, so that the build goes elsewhere and no other one comes.
  REQUIRE(all<host_news_told>().size() == 1);
  CHECK(all<host_news_told>()[0].trouble
        == "it can't keep attempts: spool: no space left on device");
  CHECK(all<beat>().back().known.empty());
}

TEST_CASE_METHOD(host_fixture, "host agent: a step that dies is replaced, its attempt goes on") {
  start();
  auto token = run(7);
  spool->defects = 1;
  spool->print(token, "0123456789");
  advance(limits::log_poll_max);
  say(log_durable{token, 0});
  say(log_durable{token, 3}); // answers the successor's question
  CHECK(log_heard() == "3456789");
  CHECK(spool->attempts.at(token).starts == 1);
  say(census_ask{1});
  auto entries = all<census_answer>().back().actors;
  for (const auto& entry : entries)
    CHECK(entry.restarts == (entry.name == "step 7/0/1" ? 1 : 0));
  CHECK(fatal.empty());
}

TEST_CASE_METHOD(host_fixture, "host agent: a step that dies too often is fatal, and says so") {
  start();
  auto token = run(7);
  spool->defects = 1000;
  spool->print(token, "0123456789");
  for (int i = 0; i < 100 && fatal.empty(); ++i) {
    advance(limits::log_poll_max);
    say(log_durable{token, 0});
  }
  CHECK(fatal == "the step of attempt 7/0/1 died more than 5 times in 60 s");
}

TEST_CASE_METHOD(host_fixture, "host agent: a workspace that dies is replaced, builds go on") {
  start();
  source_ref source{source_kind::tarball, "a.tar", "sha-a", "", 3};
  workspaces->contents["sha-a"] = "abc";
  workspaces->defects = 1;
  say(work_of(7, source));
  say(blob_piece{"sha-a", 0, 3, "abc", ""});
  settle();
  CHECK(workspaces->has_source({7}, 1));
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
  CHECK(fatal.empty());
}

TEST_CASE_METHOD(host_fixture, "host agent: the census of the host is sent to the coordinator") {
  start();
  run(7);
  say(census_ask{99});
  auto answers = all<census_answer>();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].query == 99);
  std::vector<std::string> names;
  for (const auto& entry : answers[0].actors) {
    names.push_back(entry.name);
    CHECK(entry.node == "h1");
  }
  CHECK(names
        == std::vector<std::string>{"census", "host_agent", "farm_link", "spool", "step 7/0/1",
                                    "workspace"});
}

TEST_CASE_METHOD(host_fixture, "spool: confirmed attempts are kept for a while, then removed") {
  start();
  auto token = run(7);
  spool->exit(token, exited(0));
  settle();
  say(result_durable{token});
  advance_with_beats(limits::spool_kept - 1s);
  CHECK(spool->attempts.contains(token));
  advance_with_beats(1s);
  CHECK_FALSE(spool->attempts.contains(token));
}

TEST_CASE_METHOD(host_fixture, "spool: what an earlier agent confirmed is removed in time") {
  settings.clock = [] { return wall_time{limits::spool_kept.count() + 10'000}; };
  for (uint64_t build : {7, 8}) {
    spool->enter(work_of(build));
    spool->attempts.at(token_of(build)).account = exited(0);
  }
  spool->confirm(token_of(7), {1000});   // long enough ago
  spool->confirm(token_of(8), {20'000}); // ten seconds to go
  start();
  advance(1ms);
  CHECK_FALSE(spool->attempts.contains(token_of(7)));
  CHECK(spool->attempts.contains(token_of(8)));
  advance(10s);
  CHECK_FALSE(spool->attempts.contains(token_of(8)));
}

TEST_CASE_METHOD(host_fixture, "host agent: answered beats renew the leases of its keepers") {
  start();
  auto token = run(7);
  advance_with_beats(2s);
  const auto& leases = spool->attempts.at(token).leases;
  CHECK(leases.empty()); // it began with a day's
  restart();
  advance_with_beats(2s);
  REQUIRE(leases.size() == 1); // and is not written anew every half second
  CHECK(leases[0] <= limits::orphan_time);
  CHECK(leases[0] > limits::orphan_time - 1s);
  advance(2s); // unanswered beats renew nothing
  CHECK(spool->attempts.at(token).leases.size() == 1);
}

TEST_CASE_METHOD(host_fixture, "host agent: it tells which workspaces it still holds") {
  workspaces->made = {{{7}, 1}, {{5}, 2}};
  start();
  REQUIRE(greetings.size() == 1);
  CHECK(greetings[0].workspaces == std::vector<workspace_id>{{{5}, 2}, {{7}, 1}});
}

TEST_CASE_METHOD(host_fixture, "host agent: a restart that is ordered is no failure") {
  std::string restarted;
  settings.restart = [&](const std::string& why) { restarted = why; };
  start();
  run(7);
  say(restart_agent{"ordered by ann"});
  CHECK(restarted == "restarts as ordered: ordered by ann");
  CHECK(fatal.empty());
  CHECK(spool->attempts.at(token_of(7)).alive);
}

TEST_CASE_METHOD(host_fixture, "host agent: it beats slower once it is told so") {
  start();
  say(welcome{{3, 77}, {1}, 5000ms, 600s});
  auto before = all<beat>().size();
  advance_with_beats(20s);
  CHECK(all<beat>().size() <= before + 5);
  CHECK(all<beat>().size() >= before + 3);
  SECTION("but not by what was meant for another session") {
    say(welcome{{3, 77}, {9}, 100ms, 60s});
    before = all<beat>().size();
    advance_with_beats(10s);
    CHECK(all<beat>().size() <= before + 3);
  }
}

TEST_CASE_METHOD(host_fixture, "host agent: facts that come while it connects are told after it") {
  reachable = false;
  start();
  host_agent_actor agent = host.agent;
  tell(agent, disk_news{{{"disk_short", "only 1KiB are free"}}}); // the greeting is on its way
  admit(agent);
  settle();
  REQUIRE(all<hello>().size() == 1);
  CHECK(all<hello>()[0].facts["disk_short"] == "only 1KiB are free");
  tell(agent, disk_news{{{"disk_short", "only 1KiB are free"}}});
  CHECK(all<hello>().size() == 1); // nothing new
}
