// Whose fault a failure is, told by what it says of itself and by the same builds elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/blame.hpp"
#include "schema/limits_blame.hpp"
#include "schema/names.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;

namespace {

build_ending ending(uint64_t id, const std::string& host, result outcome,
                    const std::string& error = {}) {
  build_ending out;
  out.build.id = {id};
  out.build.builder = "check";
  out.build.host = {host};
  out.build.state = build_state::finished;
  out.build.outcome = outcome;
  out.build.started_at = {1000};
  out.build.finished_at = {2000};
  out.step = outcome == result::success ? "" : "test";
  out.exit_code = outcome == result::success ? 0 : 2;
  out.error = error;
  return out;
}

/// The verdict on `red` beside these.
blame_verdict verdict_on(const build_ending& red, const std::vector<build_ending>& same = {},
                         const std::vector<build_ending>& earlier = {}) {
  blame_case known{red, {}, {}};
  for (const auto& each : same)
    known.same.push_back(&each);
  for (const auto& each : earlier)
    known.earlier.push_back(&each);
  return judge_blame(known);
}

const auto red_on_h1 = ending(5, "h1", result::failure, "E  assert 1 == 2");

opinion_host place(std::string name, std::string machine, string_map traits = {{"os", "linux"}}) {
  return {host(std::move(name), 2, 0, std::move(traits)), std::move(machine)};
}

build_file red_file(const std::string& requirement = {}) {
  auto file = queued_build({step("test")}, requirement);
  file.build.host = {"h1"};
  file.build.state = build_state::finished;
  file.build.outcome = result::failure;
  return file;
}

} // namespace

TEST_CASE("blame: what a machine says of itself needs no second opinion") {
  auto judged = [](const std::string& error) {
    return verdict_on(ending(5, "h1", result::failure, error));
  };
  CHECK(judged("tar: x: Cannot write: No space left on device").fault == blame::host);
  CHECK(judged("curl: (6) Could not resolve host: example.org").fault == blame::network);
  CHECK(judged("connect: Connection refused").fault == blame::network);
  CHECK(judged("sh: 1: cmake: not found").fault == blame::environment);
  CHECK(judged("bash: line 3: gfortran: command not found").fault == blame::environment);
  auto verdict = judged("sh: 1: cmake: not found");
  CHECK(verdict.wish == opinion_wish::none);
  CHECK(verdict.evidence == "its first error says so: sh: 1: cmake: not found");
}

TEST_CASE("blame: green on another platform clears nobody, green on a host alike is telling") {
  auto red = red_on_h1;
  red.platform = "solaris sparc";
  auto green = ending(6, "h2", result::success);
  green.platform = "linux x86_64";
  auto verdict = verdict_on(red, {green});
  CHECK(verdict.fault == blame::none);
  CHECK(verdict.wish == opinion_wish::none);
  CHECK(verdict.evidence.find("on linux x86_64, and this is solaris sparc") != std::string::npos);
  auto twin = ending(7, "h3", result::success);
  twin.platform = "solaris sparc";
  CHECK(verdict_on(red, {green, twin}).fault == blame::host);
  CHECK(platform_of({{"arch", "x86_64"}, {"os", "linux"}, {"cores", "2"}}) == "linux x86_64");
}

TEST_CASE("blame: a second opinion goes to a host of the same platform if there is one") {
  string_map sun{{"os", "solaris"}}, linux_box{{"os", "linux"}};
  auto big = place("h2", "m2", linux_box);
  big.offer.slots = 8;
  CHECK(choose_opinion_host(red_file(), {place("h1", "m1", sun), big, place("h3", "m3", sun)})
        == host_name{"h3"});
  CHECK(choose_opinion_host(red_file(), {place("h1", "m1", sun), big}) == host_name{"h2"});
}

TEST_CASE("blame: a lost host is the host's fault, what could not be run the environment's") {
  auto lost = ending(5, "h1", result::host_lost);
  lost.build.reason = "h1 has been silent for 1 min";
  CHECK(verdict_on(lost)
        == blame_verdict{blame::host, "its host was lost: h1 has been silent for 1 min"});
  auto broken = ending(5, "h1", result::exception);
  CHECK(verdict_on(broken).fault == blame::environment);
}

TEST_CASE("blame: a failure that nothing explains wants the same elsewhere") {
  auto verdict = verdict_on(red_on_h1);
  CHECK(verdict.fault == blame::none);
  CHECK(verdict.wish == opinion_wish::elsewhere);
}

TEST_CASE("blame: the same failure on another host is the code's") {
  auto other = ending(6, "h2", result::failure, "E  assert 1 == 2");
  auto verdict = verdict_on(red_on_h1, {other});
  CHECK(verdict.fault == blame::code);
  CHECK(verdict.evidence == "build 6 on h2 fails alike: E  assert 1 == 2");
  CHECK(verdict.wish == opinion_wish::none);
}

TEST_CASE("blame: tests tell failures apart better than lines do") {
  auto here = red_on_h1;
  here.failing = {{"T", "test_a"}, {"T", "test_b"}};
  auto there = ending(6, "h2", result::failure, "another line");
  there.failing = {{"T", "test_b"}, {"T", "test_c"}};
  CHECK(verdict_on(here, {there}).evidence == "build 6 on h2 fails alike: test 'T test_b'");
  there.failing = {{"T", "test_c"}};
  there.error = here.error;
  CHECK_FALSE(same_failure(here, there));
}

TEST_CASE("blame: numbers and folders don't make two failures of one") {
  auto a = ending(5, "h1", result::failure, "/w/h1/5-1/src/a.c:12:3: error: no x 0x7f12");
  auto b = ending(6, "h2", result::failure, "/srv/ws/6-1/src/a.c:13:3: error: no x 0x7f99");
  CHECK(same_failure(a, b));
  b.error = "/srv/ws/6-1/src/a.c:13:3: error: no y";
  CHECK_FALSE(same_failure(a, b));
}

TEST_CASE("blame: green elsewhere is the host's fault, and a quick build is tried there again") {
  auto green = ending(6, "h2", result::success);
  auto verdict = verdict_on(red_on_h1, {green});
  CHECK(verdict.fault == blame::host);
  CHECK(verdict.wish == opinion_wish::again);
  auto slow = red_on_h1;
  slow.build.finished_at = {1001 + limits::opinion_cheap.count()};
  CHECK(verdict_on(slow, {green}).wish == opinion_wish::none);
}

TEST_CASE("blame: red twice on one host and green on the other stays the host's fault") {
  auto again = ending(7, "h1", result::failure, "E  assert 1 == 2");
  auto verdict = verdict_on(red_on_h1, {again, ending(6, "h2", result::success)});
  CHECK(verdict.fault == blame::host);
  CHECK(verdict.wish == opinion_wish::none);
  CHECK(verdict.evidence
        == "build 6 on h2 is green from the same source; build 7 on h1 failed there a second time");
}

TEST_CASE("blame: green and red from the same source on the same host is flaky") {
  auto verdict =
    verdict_on(red_on_h1, {ending(7, "h1", result::success), ending(6, "h2", result::success)});
  CHECK(verdict.fault == blame::flaky);
  CHECK(verdict.evidence.starts_with("build 7 on h1 is green"));
}

TEST_CASE("blame: red elsewhere in another way blames nobody and asks no more") {
  auto verdict = verdict_on(red_on_h1, {ending(6, "h2", result::failure, "other")});
  CHECK(verdict.fault == blame::none);
  CHECK(verdict.wish == opinion_wish::none);
  CHECK(verdict.evidence == "build 6 on h2 fails as well, but in another way: other");
}

TEST_CASE("blame: a failure that an older source had elsewhere is known to be the code's") {
  auto older = ending(3, "h2", result::failure, "E  assert 1 == 2");
  CHECK(verdict_on(red_on_h1, {}, {older}).fault == blame::code);
  auto at_home = ending(3, "h1", result::failure, "E  assert 1 == 2");
  CHECK(verdict_on(red_on_h1, {}, {at_home}).wish == opinion_wish::elsewhere);
}

TEST_CASE("blame: nobody is blamed for what is green, cancelled or not over") {
  for (auto outcome : {result::success, result::warnings, result::cancelled, result::skipped})
    CHECK(verdict_on(ending(5, "h1", outcome)) == blame_verdict{});
  auto running = red_on_h1;
  running.build.state = build_state::running;
  CHECK(verdict_on(running) == blame_verdict{});
}

TEST_CASE("opinions: the host is another machine that serves and is up, the freest first") {
  auto busy = place("h3", "m3");
  busy.offer.used = 2;
  auto down = place("h4", "m4");
  down.offer.state = host_state::suspect;
  auto other_os = place("h5", "m5", {{"os", "openbsd"}});
  auto twin = place("h6", "m1");
  auto home = place("h1", "m1");
  auto file = red_file("os == 'linux'");
  CHECK(choose_opinion_host(file, {home, twin, down, other_os, busy}) == host_name{"h3"});
  CHECK(choose_opinion_host(file, {home, busy, place("h2", "m2")}) == host_name{"h2"});
  CHECK(choose_opinion_host(file, {home, twin, down, other_os}) == host_name{});
}

TEST_CASE("opinions: none on what is pinned, on each host anyway, an opinion, or not wanted") {
  CHECK(opinion_obstacle(red_file()).empty());
  auto pinned = red_file();
  pinned.build.pinned = {"h1"};
  CHECK(opinion_obstacle(pinned) == "it is for h1 alone");
  auto everywhere = red_file();
  everywhere.recipe.on.kind = placement_kind::each_host;
  CHECK(opinion_obstacle(everywhere) == "it is built on each host anyway");
  auto opinion = red_file();
  opinion.build.opinion_of = {3};
  CHECK(opinion_obstacle(opinion) == "it is a second opinion itself");
  auto unwanted = red_file();
  unwanted.recipe.second_opinion = false;
  CHECK(opinion_obstacle(unwanted) == "builder check has second_opinion: no");
}

TEST_CASE("opinions: the build is the very same, for the other host, and gives way to all others") {
  auto red = red_file("os == 'linux'");
  red.build.params = {{"A", "1"}};
  red.build.campaign = {4};
  auto made = make_opinion(red, {9}, {"h2"}, {77});
  CHECK(made.recipe == red.recipe);
  CHECK(made.build.params == red.build.params);
  CHECK(made.build.opinion_of == red.build.id);
  CHECK(made.build.pinned == host_name{"h2"});
  CHECK(made.build.campaign == campaign_id{});
  CHECK(made.build.state == build_state::queued);
  CHECK(to_queue_entry(made).is_opinion);
  CHECK_FALSE(to_queue_entry(red).is_opinion);
}
