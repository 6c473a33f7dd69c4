// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

#include <map>
#include <random>

using namespace drover;
using namespace drover::core;

TEST_CASE("schedule: a build goes to the host with the most free slots") {
  auto made = make_plan({entry(1)}, {host("h1", 2, 1), host("h2", 4, 1), host("h3", 2, 0)});
  REQUIRE(made.placements.size() == 1);
  CHECK(made.placements[0] == placement{{1}, {"h2"}});
}

TEST_CASE("schedule: builds of one plan share the slots") {
  auto made = make_plan({entry(1), entry(2), entry(3)}, {host("h1"), host("h2")});
  REQUIRE(made.placements.size() == 2);
  CHECK(made.placements[0].host != made.placements[1].host);
  REQUIRE(made.rest.size() == 1);
  CHECK(made.rest[0].state == build_state::queued);
  CHECK(made.rest[0].reason == "waits for a free slot on h1 or h2");
}

TEST_CASE("schedule: a build that can't be placed holds nothing back") {
  auto made = make_plan({entry(1, "os == 'plan9'"), entry(2)}, {host("h1")});
  REQUIRE(made.placements.size() == 1);
  CHECK(made.placements[0].build == build_id{2});
}

TEST_CASE("schedule: a build that no host serves names the nearest miss") {
  auto made = make_plan({entry(1, "os == 'plan9' and class == 'fast'")},
                        {host("h1"), host("h2", 1, 0, {{"os", "linux"}, {"class", "fast"}})});
  REQUIRE(made.rest.size() == 1);
  CHECK(made.rest[0].state == build_state::waiting);
  CHECK(made.rest[0].reason.find("waits for a host that serves it: there is none; the nearest miss "
                                 "is h2: ")
        == 0);
  REQUIRE(made.rest[0].evidence.size() == 2);
  CHECK(made.rest[0].evidence[1].find("h1") == 0);
}

TEST_CASE("schedule: a farm without hosts says so") {
  auto made = make_plan({entry(1)}, {});
  CHECK(made.rest.at(0).reason
        == "waits for a host: none has joined this farm yet; start drover-host on a machine");
}

TEST_CASE("schedule: a pinned build waits for its host and says what is wrong with it") {
  auto away = host("h2");
  away.state = host_state::lost;
  away.reason = "silent for 2 min";
  auto made = make_plan({entry(1, "", "h2")}, {host("h1"), away});
  CHECK(made.placements.empty());
  CHECK(made.rest.at(0).reason
        == "waits for its host h2, lost (silent for 2 min); start drover-host on h2");
}

TEST_CASE("schedule: a pin on an unknown host is said") {
  auto made = make_plan({entry(1, "", "h9")}, {host("h1")});
  CHECK(made.rest.at(0).reason
        == "waits for its host h9, which this farm does not know; start drover-host there, or "
           "cancel the build");
}

TEST_CASE("schedule: builds that wait for a slot know how many are before them") {
  auto made =
    make_plan({entry(1), entry(2, "os == 'plan9'"), entry(3), entry(4)}, {host("h1", 1, 1)});
  REQUIRE(made.rest.size() == 4);
  CHECK(made.rest[0].reason == "waits for a free slot on h1");
  CHECK(made.rest[2].reason == "waits for a free slot on h1, behind 1 build");
  CHECK(made.rest[3].reason == "waits for a free slot on h1, behind 2 builds");
}

TEST_CASE("schedule: a suspect host gets no new work") {
  auto suspect = host("h1");
  suspect.state = host_state::suspect;
  CHECK(make_plan({entry(1)}, {suspect}).placements.empty());
}

TEST_CASE("schedule: a host that was lost under a build is used again only if no other serves") {
  auto wish = entry(1);
  wish.avoid = {{"h1"}};
  CHECK(make_plan({wish}, {host("h1", 8), host("h2")}).placements.at(0).host == host_name{"h2"});
  CHECK(make_plan({wish}, {host("h1", 8)}).placements.at(0).host == host_name{"h1"});
  auto made = make_plan({wish}, {host("h1", 8), host("h2", 1, 1)});
  CHECK(made.placements.empty());
  CHECK(made.rest.at(0).reason == "waits for a free slot on h2");
}

TEST_CASE("schedule: every build is placed or explained, and no host is overcommitted") {
  std::mt19937_64 random{20261122};
  auto pick = [&](uint64_t below) { return static_cast<uint32_t>(random() % below); };
  for (int round = 0; round < 400; ++round) {
    std::vector<host_offer> hosts;
    for (uint32_t i = 0; i < pick(6); ++i) {
      auto slots = pick(4);
      hosts.push_back(host("h" + std::to_string(i), slots, slots == 0 ? 0 : pick(slots + 1),
                           {{"os", pick(2) == 0 ? "linux" : "sunos"}}));
      hosts.back().state = pick(3) == 0 ? host_state::lost : host_state::up;
    }
    std::vector<queue_entry> queue;
    for (uint32_t i = 0; i < pick(12); ++i)
      queue.push_back(entry(i + 1, pick(2) == 0 ? "os == 'linux'" : "",
                            pick(4) == 0 ? "h" + std::to_string(pick(7)) : ""));
    auto made = make_plan(queue, hosts);
    queue_view entries;
    for (const auto& one : queue)
      entries.push_back(&one);
    CHECK(place_builds(entries, hosts) == made.placements);
    REQUIRE(made.placements.size() + made.rest.size() == queue.size());
    std::map<host_name, uint32_t> load;
    for (const auto& one : made.placements)
      ++load[one.host];
    for (const auto& offer : hosts) {
      REQUIRE(offer.used + load[offer.name] <= std::max(offer.slots, offer.used));
      REQUIRE((offer.state == host_state::up || load[offer.name] == 0));
    }
    for (const auto& view : made.rest) {
      REQUIRE_FALSE(view.reason.empty());
      REQUIRE((view.evidence.size() == hosts.size() || view.evidence.size() <= 1));
    }
  }
}
