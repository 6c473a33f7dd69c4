// A host beside others and over time: pace, looks at it, news of its disk, releases.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_workspaces.hpp"
#include "tests/actors/supervisor_fixture.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a herd that has grown beats slower") {
  auto h1 = join();
  tell(uut, herd_size{100}); // as fast as before
  CHECK(h1.heard.all<welcome>().size() == 1);
  tell(uut, herd_size{20'000});
  REQUIRE(h1.heard.all<welcome>().size() == 2);
  auto [first, second] = std::pair{h1.heard.all<welcome>()[0], h1.heard.all<welcome>()[1]};
  CHECK(second.session == first.session);
  CHECK(second.beat_every == core::pace_for(20'000).beat_every);
  CHECK(second.lease == core::pace_for(20'000).silence.lease);
  advance(limits::suspect_after + 2 * limits::supervisor_tick);
  CHECK(view().state == host_state::up); // judged by the pace that it was told
  tell(uut, herd_size{100});
  CHECK(h1.heard.all<welcome>().size() == 2);
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a full disk is on the host's page") {
  auto h1 = join();
  auto said = greeting();
  said.facts["disk_short"] = "only 1KiB are free";
  say(h1, said);
  CHECK(view().reason == "its disk is full: only 1KiB are free");
  CHECK(view().state == host_state::up);
  said.facts.clear();
  say(h1, said); // too soon: facts cost a write each
  CHECK_FALSE(view().reason.empty());
  advance_with_beats(h1, limits::facts_heard_every, {});
  said.agent_incarnation = 6; // somebody else's
  say(h1, said);
  CHECK_FALSE(view().reason.empty());
  said.agent_incarnation = 5;
  say(h1, said);
  CHECK(view().reason.empty());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a release gives way to a new build in the same place") {
  auto h1 = join();
  tell(uut, close_build{{7}, 1, false, {}});
  CHECK(h1.heard.all<close_build>().size() == 1);
  order(token_of(7));
  auto again = join();
  CHECK(again.heard.all<close_build>().empty());
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: releases that a host asks for without end are bounded") {
  for (uint64_t build = 1; build <= limits::releases_open_max + 100; ++build)
    tell(uut, close_build{{build}, 1, false, {}});
  CHECK(join().heard.all<close_build>().size() == limits::releases_open_max);
}

TEST_CASE_METHOD(
  supervisor_fixture,
  "host supervisor: pieces that wait for a slow store are bounded, the rest dropped") {
  auto h1 = join();
  order(token_of(7), "sha of zlib");
  tell(uut, close_build{{8}, 1, true, {}});
  size_t passed_on = 0;
  auto ask_again = [&] {
    for (uint64_t i = 0; i < 2 * limits::host_pieces_max; ++i)
      if (i % 2 == 0)
        say(h1, blob_want{{7}, "sha of zlib", i});
      else
        say(h1, blob_part{{8}, "sha", i, 1000, "x"});
    auto before =
      std::exchange(passed_on, blobs.all<blob_read>().size() + blobs.all<blob_write>().size());
    return passed_on - before;
  };
  CHECK(ask_again() == limits::host_pieces_max);
  CHECK(ask_again() == 0);
  tell(uut, blob_piece{"sha of zlib", 0, 1000, "x", ""});
  tell(uut, blob_stored{"sha", 1, false, ""});
  CHECK(ask_again() == 2);
  CHECK(h1.heard.all<blob_piece>().size() == 1); // dropped ones are not answered
  CHECK(h1.heard.all<blob_stored>().size() == 1);
}

TEST_CASE_METHOD(supervisor_fixture,
                 "host supervisor: a host that thaws after its lease is up again on its old link") {
  note_grant(token_of(7), "h1");
  auto h1 = join();
  order(token_of(7));
  advance(limits::lease + limits::supervisor_tick);
  REQUIRE(view().state == host_state::lost);
  beat_with(h1, {running(token_of(7))});
  CHECK(view().state == host_state::up);
  CHECK(coordinator.all<host_news>().back().view.state == host_state::up);
  REQUIRE(coordinator.all<stray_attempt>().size() == 1); // the build says what becomes of it
  CHECK(coordinator.all<stray_attempt>()[0].held.token == token_of(7));
  auto ordered = h1.heard.all<assignment>().size();
  order(token_of(8));
  CHECK(h1.heard.all<assignment>().size() == ordered + 1);
}

TEST_CASE_METHOD(supervisor_fixture, "host supervisor: a quiet host is looked at when it is due") {
  auto h1 = join();
  size_t timers = 0;
  for (auto passed = 0ms; passed < 10s; passed += limits::beat_interval) {
    beat_with(h1, {});
    auto until = scheduler().clock().now() + limits::beat_interval;
    auto& pending = scheduler().clock().schedule();
    timers += static_cast<size_t>(std::count_if(
      pending.begin(), pending.end(), [&](const auto& one) { return one.first < until; }));
    advance(limits::beat_interval);
  }
  CHECK(timers <= 10s / limits::beat_interval + 2); // once in each beat, not at each tick
  CHECK(view().state == host_state::up);
}
