// SPDX-License-Identifier: Apache-2.0
#include "actors/core/pace.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

TEST_CASE("pace: a small farm beats at the defaults") {
  for (size_t hosts : {0u, 1u, 20u, 1000u, 1250u})
    CHECK(pace_for(hosts) == pace{});
}

TEST_CASE("pace: many hosts beat slower, and silence counts for less in proportion") {
  auto found = pace_for(20'000);
  CHECK(found.beat_every == 8s);
  CHECK(found.silence.suspect_after == 11'200ms);
  CHECK(found.silence.lease == 960s);
  CHECK(found.look_every == 3200ms);
}

TEST_CASE("pace: no number of hosts sends more beats in a second than allowed, or speeds up") {
  milliseconds before{0};
  for (size_t hosts = 0; hosts <= limits::hosts_max; hosts += 7) {
    auto found = pace_for(hosts);
    auto beats = hosts * 1000 / static_cast<size_t>(found.beat_every.count());
    if (beats > limits::beats_per_second || found.beat_every < before
        || found.silence.suspect_after <= found.beat_every
        || found.silence.lease < 10 * found.silence.suspect_after
        || found.look_every >= found.beat_every)
      FAIL("wrong at " << hosts << " hosts: " << found.beat_every.count() << " ms");
    before = found.beat_every;
  }
  CHECK(pace_for(limits::hosts_max * 1000) == pace_for(limits::hosts_max));
}
