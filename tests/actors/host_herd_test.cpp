// A host beside others and over time: pace, news of its disk, releases.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_workspaces.hpp"
#include "tests/actors/supervisor_fixture.hpp"

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
