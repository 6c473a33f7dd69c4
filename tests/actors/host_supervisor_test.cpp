// SPDX-License-Identifier: Apache-2.0
#include "actors/host_supervisor.hpp"
#include "tests/actors/supervisor_fixture.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a host is welcomed and its facts are kept") {
  auto said = greeting();
  said.facts["os"] = "linux";
  auto h1 = join(said);
  REQUIRE(h1.heard.all<welcome>().size() == 1);
  CHECK(h1.heard.all<welcome>()[0].coordinator == settings.now);
  CHECK(coordinator.all<host_news>().back().view.state == host_state::up);
  auto stored = storage::read_hosts(*store);
  REQUIRE(stored);
  REQUIRE((*stored).size() == 1);
  CHECK((*stored)[0].facts.at("os") == "linux");
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: its link is made known to the census") {
  auto h1 = join();
  REQUIRE(census.all<enlistment>().size() == 1);
  auto known = census.all<enlistment>()[0];
  CHECK(known.name == "host_link/h1");
  CHECK(known.parent == "host_supervisor/h1");
  CHECK(known.actor.address() == h1.link.address());
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: an order is repeated until it is listed") {
  auto h1 = join();
  order(token_of(7));
  CHECK(h1.heard.all<assignment>().size() == 1);
  advance_with_beats(h1, limits::resend_after + limits::supervisor_tick, {});
  CHECK(h1.heard.all<assignment>().size() == 2);
  CHECK(h1.heard.all<assignment>()[0] == h1.heard.all<assignment>()[1]);
  advance_with_beats(h1, 10s, {running(token_of(7))});
  CHECK(h1.heard.all<assignment>().size() == 2);
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: an order waits for a host that is away") {
  order(token_of(7));
  auto h1 = join();
  CHECK(h1.heard.all<assignment>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a start is told once, however often it is said") {
  auto h1 = join();
  order(token_of(7));
  say(h1, attempt_started{token_of(7), {1}});
  say(h1, attempt_started{token_of(7), {1}});
  beat_with(h1, {running(token_of(7))});
  CHECK(coordinator.all<attempt_started>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a start whose word was lost is told by beats") {
  auto h1 = join();
  order(token_of(7));
  beat_with(h1, {running(token_of(7))});
  REQUIRE(coordinator.all<attempt_started>().size() == 1);
  CHECK(coordinator.all<attempt_started>()[0].token == token_of(7));
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: silence makes suspect at 700 ms") {
  auto h1 = join();
  advance(limits::suspect_after - 1ms);
  CHECK(view().state == host_state::up);
  advance(limits::supervisor_tick + 1ms);
  CHECK(view().state == host_state::suspect);
  CHECK_FALSE(view().reason.empty());
  CHECK(coordinator.all<host_news>().back().view.state == host_state::suspect);
  beat_with(h1, {});
  CHECK(view().state == host_state::up);
  CHECK(coordinator.all<host_news>().back().view.state == host_state::up);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a lease without a beat loses each attempt, once") {
  auto h1 = join();
  order(token_of(7));
  order(token_of(8));
  beat_with(h1, {running(token_of(7)), running(token_of(8))});
  advance(limits::lease - 1ms);
  CHECK(view().state == host_state::suspect);
  CHECK(coordinator.all<attempt_lost>().empty());
  advance(limits::supervisor_tick + 1ms);
  CHECK(view().state == host_state::lost);
  advance(2 * limits::lease);
  auto lost = coordinator.all<attempt_lost>();
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].token == token_of(7));
  CHECK(lost[1].token == token_of(8));
  CHECK(lost[0].reason == "h1 has been silent for 1 min, longer than its lease");
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a lost host gets no new work") {
  advance(limits::lease + limits::supervisor_tick);
  order(token_of(7));
  REQUIRE(coordinator.all<attempt_lost>().size() == 1);
  auto h1 = join();
  CHECK(h1.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host has one lease to come back after a start") {
  order(token_of(7)); // what was read back from the store
  advance(limits::lease - 1s);
  CHECK(coordinator.all<attempt_lost>().empty());
  auto h1 = join(greeting({running(token_of(7))}));
  advance_with_beats(h1, 10s, {running(token_of(7))});
  CHECK(coordinator.all<attempt_lost>().empty());
  CHECK(h1.heard.all<assignment>().empty()); // it holds it already
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: words of an earlier link are not heard") {
  auto before = join();
  auto now = join();
  order(token_of(7));
  now.heard.clear();
  say(before, beat{1, 0, {running(token_of(7))}});
  say(before, attempt_ended{});
  CHECK(now.heard.all<beat_answer>().empty());
  CHECK(coordinator.all<attempt_started>().empty());
  beat_with(now, {running(token_of(7))});
  CHECK(now.heard.all<beat_answer>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a beat that comes twice or late is dropped") {
  auto h1 = join();
  order(token_of(7));
  say(h1, beat{2, 0, {running(token_of(7))}});
  say(h1, beat{2, 0, {}});
  say(h1, beat{1, 0, {}}); // older: would look as if the attempt were gone
  CHECK(coordinator.all<attempt_lost>().empty());
  CHECK(h1.heard.all<beat_answer>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host that comes back without a confirmed attempt loses it") {
  auto h1 = join();
  order(token_of(7));
  order(token_of(8));
  beat_with(h1, {running(token_of(7))}); // 8 is not confirmed yet
  crash(h1.link);
  auto again = join();
  auto lost = coordinator.all<attempt_lost>();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].token == token_of(7));
  CHECK(lost[0].reason == "h1 came back without it: its state was lost");
  REQUIRE(again.heard.all<assignment>().size() == 1);
  CHECK(again.heard.all<assignment>()[0].token == token_of(8));
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: stray attempts are told") {
  note_grant(token_of(9), "h1");
  auto h1 = join(greeting({running(token_of(9))}));
  REQUIRE(coordinator.all<stray_attempt>().size() == 1);
  CHECK(coordinator.all<stray_attempt>()[0].held.token == token_of(9));
  say(h1, log_chunk{token_of(9), 0, "evidence"});
  CHECK(logs.all<log_append>().size() == 1);
  say(h1, core::ended(token_of(9), result::success));
  CHECK(coordinator.all<attempt_ended>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a stray that is cancelled is told to stop") {
  note_grant(token_of(9), "h1");
  auto h1 = join(greeting({running(token_of(9))}));
  tell(uut, cancel_attempt{token_of(9), "its build is over"});
  CHECK(h1.heard.all<cancel_attempt>().size() == 1);
  coordinator.clear();
  advance_with_beats(h1, limits::resend_after + 1s, {running(token_of(9))});
  CHECK(h1.heard.all<cancel_attempt>().size() == 2);
  CHECK(coordinator.all<stray_attempt>().empty());
  advance_with_beats(h1, 10s, {}); // it is gone
  CHECK(h1.heard.all<cancel_attempt>().size() == 2);
}

TEST_CASE_METHOD(
  supervisor_fixture,
  "host supervisor: logs and results of attempts that it was never given are dropped") {
  auto h1 = join();
  say(h1, log_chunk{token_of(9), 0, "forged"});
  say(h1, core::ended(token_of(9), result::success));
  say(h1, attempt_started{token_of(9), {1}});
  CHECK(logs.all<log_append>().empty());
  CHECK(coordinator.all<attempt_ended>().empty());
  CHECK(coordinator.all<attempt_started>().empty());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a second machine under a live name is refused") {
  auto h1 = join();
  order(token_of(7));
  auto said = greeting();
  said.machine_id = "another";
  said.agent_incarnation = 6;
  auto stranger = join(said);
  REQUIRE(stranger.heard.all<refusal>().size() == 1);
  CHECK_FALSE(stranger.heard.all<refusal>()[0].reason.empty());
  CHECK(stranger.heard.all<assignment>().empty());
  beat_with(h1, {running(token_of(7))});
  CHECK(h1.heard.all<beat_answer>().size() == 1);
  CHECK(view().record.machine_id == "machine");
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a new machine takes over a silent name") {
  auto h1 = join();
  order(token_of(7));
  advance(limits::suspect_after + limits::supervisor_tick);
  auto said = greeting();
  said.machine_id = "another";
  said.agent_incarnation = 6;
  auto fresh = join(said);
  CHECK(fresh.heard.all<welcome>().size() == 1);
  // Its order may have reached the old machine: it is lost, not given again under one token.
  CHECK(fresh.heard.all<assignment>().empty());
  REQUIRE(coordinator.all<attempt_lost>().size() == 1);
  CHECK(coordinator.all<attempt_lost>()[0].token == token_of(7));
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: after a reboot what the host does not list is lost") {
  auto h1 = join();
  order(token_of(7));
  order(token_of(8));
  advance(limits::suspect_after + limits::supervisor_tick);
  auto said = greeting({running(token_of(8))});
  said.boot_id = "the next boot";
  said.agent_incarnation = 6;
  auto again = join(said);
  // It may have run before the power went: not given again under one token.
  CHECK(again.heard.all<assignment>().empty());
  REQUIRE(coordinator.all<attempt_lost>().size() == 1);
  CHECK(coordinator.all<attempt_lost>()[0].token == token_of(7));
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a host may only read blobs of its grants") {
  auto h1 = join();
  say(h1, blob_want{{7}, "sha of zlib", 0});
  CHECK(blobs.all<blob_read>().empty());
  REQUIRE(h1.heard.all<blob_piece>().size() == 1);
  CHECK(h1.heard.all<blob_piece>()[0].problem == "no grant of this host needs it");
  order(token_of(7), "sha of zlib");
  say(h1, blob_want{{7}, "sha of zlib", 0});
  say(h1, blob_want{{7}, "sha of a secret", 0});
  REQUIRE(blobs.all<blob_read>().size() == 1);
  CHECK(blobs.all<blob_read>()[0].want.sha256 == "sha of zlib");
  tell(uut, grant_over{token_of(7)});
  say(h1, blob_want{{7}, "sha of zlib", 0});
  CHECK(blobs.all<blob_read>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host may only write blobs of builds being closed") {
  auto h1 = join();
  say(h1, blob_part{{7}, "sha", 0, 3, "abc"});
  CHECK(blobs.all<blob_write>().empty());
  REQUIRE(h1.heard.all<blob_stored>().size() == 1);
  CHECK(h1.heard.all<blob_stored>()[0].problem == "the farm has not asked for it");
  tell(uut, close_build{{7}, 1, true, {}});
  tell(uut, close_build{{8}, 1, false, {}});
  say(h1, blob_part{{7}, "sha", 0, 3, "abc"});
  say(h1, blob_part{{8}, "sha", 0, 3, "abc"});
  REQUIRE(blobs.all<blob_write>().size() == 1);
  CHECK(blobs.all<blob_write>()[0].host.value == "h1");
  CHECK(blobs.all<blob_write>()[0].part.build.value == 7);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: close_build is repeated until the build needs no answer") {
  auto h1 = join();
  tell(uut, close_build{{7}, 1, true, {"*.deb"}});
  CHECK(h1.heard.all<close_build>().size() == 1);
  advance_with_beats(h1, limits::resend_after + limits::supervisor_tick, {});
  CHECK(h1.heard.all<close_build>().size() == 2);
  say(h1, build_closed{{7}, 1, {{"a.deb", "sha", 3}}, ""});
  REQUIRE(coordinator.all<build_closed>().size() == 1);
  CHECK(coordinator.all<build_closed>()[0].artifacts.size() == 1);
  tell(uut, atom::stop::value, build_id{7});
  advance_with_beats(h1, 10s, {});
  CHECK(h1.heard.all<close_build>().size() == 2);
}

TEST_CASE_METHOD(
  supervisor_fixture,
  "host supervisor: artifacts of a build on a lost host are given up with a reason") {
  auto h1 = join();
  tell(uut, close_build{{7}, 1, true, {}});
  advance(limits::lease + limits::supervisor_tick);
  REQUIRE(coordinator.all<build_closed>().size() == 1);
  CHECK_FALSE(coordinator.all<build_closed>()[0].problem.empty());
  auto again = join(); // the workspace is still to be released there
  REQUIRE(again.heard.all<close_build>().size() == 1);
  CHECK_FALSE(again.heard.all<close_build>()[0].keep_artifacts);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a workspace is not released under a stray that runs in it") {
  note_grant(token_of(7), "h1");
  auto h1 = join(greeting({running(token_of(7))}));
  tell(uut, close_build{{7}, 1, false, {}});
  advance_with_beats(h1, 5s, {running(token_of(7))});
  CHECK(h1.heard.all<close_build>().empty());
  advance_with_beats(h1, 1s, {});
  CHECK(h1.heard.all<close_build>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: the census of its host is passed on") {
  auto h1 = join();
  auto asked = ask<std::vector<actor_entry>>(uut, census_ask{});
  REQUIRE(h1.heard.all<census_ask>().size() == 1);
  actor_entry one;
  one.name = "step/7";
  one.activity = "printed";
  say(h1, census_answer{h1.heard.all<census_ask>()[0].query, {one}});
  REQUIRE(asked.ready());
  CHECK(asked.get()->at(0) == one);
}

TEST_CASE_METHOD(
  supervisor_fixture,
  "host supervisor: of a silent host the last census is shown, soon, and said to be") {
  auto h1 = join();
  actor_entry one;
  one.name = "step/7";
  auto first = ask<std::vector<actor_entry>>(uut, census_ask{});
  say(h1, census_answer{h1.heard.all<census_ask>()[0].query, {one}});
  advance(3s);
  auto asked = ask<std::vector<actor_entry>>(uut, census_ask{});
  CHECK_FALSE(asked.ready());
  advance(2 * limits::census_answer + limits::supervisor_tick);
  REQUIRE(asked.ready());
  REQUIRE(asked.get()->size() == 1);
  CHECK(asked.get()->at(0).activity.starts_with("as last heard: h1 has been silent for 3."));
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host that fell silent before it was ever asked is named too") {
  auto h1 = join();
  auto asked = ask<std::vector<actor_entry>>(uut, census_ask{});
  advance(2 * limits::census_answer + limits::supervisor_tick);
  REQUIRE(asked.ready());
  REQUIRE(asked.get()->size() == 1);
  CHECK(asked.get()->at(0).node == "h1");
  CHECK(asked.get()->at(0).activity.starts_with("as last heard: h1 has been silent for "));
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a link that dies is silence, nothing more") {
  auto h1 = join();
  order(token_of(7));
  beat_with(h1, {running(token_of(7))});
  crash(h1.link);
  CHECK(view().state == host_state::up);
  auto again = join(greeting({running(token_of(7))}));
  CHECK(coordinator.all<attempt_lost>().empty());
  CHECK(again.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: its death drops the link, so the host returns") {
  auto h1 = join();
  crash(uut);
  CHECK_FALSE(ask<actor_entry>(h1.link, atom::describe::value).ready());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host can't speak of what was granted to another one") {
  note_grant(token_of(7), "h2");
  auto h1 = join();
  beat_with(h1, {running(token_of(7))});
  say(h1, log_chunk{token_of(7), 0, "forged"});
  attempt_ended forged;
  forged.token = token_of(7);
  say(h1, forged);
  CHECK(coordinator.all<stray_attempt>().empty());
  CHECK(coordinator.all<attempt_ended>().empty());
  CHECK(logs.all<log_append>().empty());
}
