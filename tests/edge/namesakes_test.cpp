// Two agents under one name, over real links to a real farm.
// SPDX-License-Identifier: Apache-2.0
#include "tests/edge/real_farm.hpp"
#include "tests/edge/stranger.hpp"

using namespace drover;
using namespace drover::test;

namespace {

host_view view_of(real_farm& farm) {
  auto all = farm.ask<std::vector<host_view>>(farm.farm.coordinator, hosts_query{});
  REQUIRE(all.size() == 1);
  return all.front();
}

} // namespace

TEST_CASE_METHOD(real_farm, "namesake: beside a living agent it is refused, and people are told") {
  log_catcher log;
  auto newcomer = greeting_of("h1", 2);
  std::string why;
  SECTION("on another machine") {
    newcomer.machine_id = "m-other";
    newcomer.boot_id = "b-other";
    why = "an agent named h1 is alive on another machine: give this one a name and keys of its own";
  }
  SECTION("with a copied state folder") {
    newcomer.boot_id = "b-other";
    why = "an agent named h1 is alive on a machine with a copy of this state folder: give each its "
          "own folder, name and keys";
  }
  SECTION("on the same machine") {
    why = "an agent named h1 is alive on this very machine: stop one of the two";
  }
  light_host first, second;
  join(first, "h1");
  call(second, newcomer);
  CHECK(second.news->refusals.pop() == "the coordinator refused: " + why);
  CHECK(view_of(*this).state == host_state::up);
  CHECK(view_of(*this).reason == "a second agent was refused: " + why);
  // The first one's life beside it is the proof, and the alarm.
  CHECK(log.wait_for("two agents under one name host=h1").find("error ") == 0);
  CHECK(first.beats_on(3));
  CHECK(second.links.empty());
}

TEST_CASE_METHOD(real_farm, "namesake: once the first agent is dead, its successor is in at once") {
  log_catcher log;
  light_host first, second;
  join(first, "h1");
  caf::anon_send_exit(first.links.pop(), caf::exit_reason::kill);
  REQUIRE_FALSE(log.wait_for("host link down host=h1").empty());
  call(second, greeting_of("h1", 2));
  CHECK(second.beats_on(2));
  CHECK(second.news->refusals.empty());
  CHECK(view_of(*this).reason.empty());
  for (const auto& line : log.lines())
    CHECK(line.find("error ") != 0);
}

TEST_CASE_METHOD(real_farm, "namesake: the log that the first one writes stays whole") {
  light_host first, second;
  join(first, "h1");
  auto work = build_on(first, "h1");
  auto link = first.links.pop();
  caf::anon_send(link, host_message{log_chunk{work.token, 0, "first\n"}});
  CHECK(std::get<log_durable>(first.news->others.pop()).offset == 6);
  auto clone = greeting_of("h1", 2);
  clone.boot_id = "b-other";
  clone.known = {{work.token, known_state::running, 6}};
  call(second, clone);
  second.news->refusals.pop();
  caf::anon_send(link, host_message{log_chunk{work.token, 6, "again\n"}});
  CHECK(std::get<log_durable>(first.news->others.pop()).offset == 12);
}

TEST_CASE_METHOD(real_farm, "namesake: a host that joins again and again does not fill the log") {
  log_catcher log;
  for (uint64_t round = 1; round <= 3 * limits::strangers_logged_max; ++round) {
    light_host host;
    call(host, greeting_of("h1", 1));
    caf::anon_send_exit(host.links.pop(), caf::exit_reason::kill);
  }
  size_t lines = 0;
  for (const auto& line : log.lines())
    if (line.find("host=h1") != std::string::npos)
      ++lines;
  // Of its links and of its supervisor, in the two periods that this may take at most; and each
  // may say once a period how many were left out.
  CHECK(lines <= 2 * 2 * (limits::strangers_logged_max + 1));
  light_host other;
  join(other, "h2"); // others have lines of their own
  CHECK_FALSE(log.wait_for("host joined host=h2").empty());
}
