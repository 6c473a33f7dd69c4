// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_healing.hpp"
#include "tests/actors/host_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

namespace {

struct health_fixture : host_fixture {
  health_fixture() {
    settings.vital_signs = [this] {
      ++looks;
      return signs;
    };
  }

  core::vital_signs signs;
  int looks = 0;
};

} // namespace

TEST_CASE_METHOD(health_fixture, "host health: trouble is told once, and that it is over too") {
  start();
  advance_with_beats(1s);
  CHECK(looks == 1);
  CHECK(all<host_news_told>().empty());
  signs.disk_free = 1000;
  advance_with_beats(limits::health_every + 1s);
  REQUIRE(all<host_news_told>().size() == 1);
  CHECK(all<host_news_told>()[0].trouble.find("of disk are free") != std::string::npos);
  CHECK(all<host_news_told>()[0].facts.at("cores") == "8");
  advance_with_beats(limits::health_every + 1s);
  CHECK(all<host_news_told>().size() == 1);
  signs.disk_free = 3 * 1024 * 1024; // another number is no other trouble
  advance_with_beats(limits::health_every + 1s);
  CHECK(all<host_news_told>().size() == 1);
  signs.disk_free = limits::health_disk_min + 1; // not enough to be well again
  advance_with_beats(limits::health_every + 1s);
  CHECK(all<host_news_told>().back().trouble.find("it needs 32 MiB") != std::string::npos);
  signs.disk_free = 2 * limits::health_disk_min;
  advance_with_beats(limits::health_every + 1s);
  CHECK(all<host_news_told>().back().trouble.empty());
}

TEST_CASE_METHOD(health_fixture, "host health: trouble from before the start is told on joining") {
  settings.trouble = "gcc can't compile an empty file";
  start();
  REQUIRE(all<host_news_told>().size() == 1);
  CHECK(all<host_news_told>()[0].trouble == "gcc can't compile an empty file");
  CHECK(std::holds_alternative<host_news_told>(heard->front())); // before anything else
}

TEST_CASE_METHOD(health_fixture, "host health: it is looked at while there is no coordinator") {
  reachable = false;
  start();
  advance(5s);
  CHECK(looks >= 1);
}
