// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/connection.hpp"
#include "actors/edge/guards.hpp"
#include "tests/catch.hpp"

#include <kj/async.h>

using namespace drover;
using namespace std::chrono_literals;

TEST_CASE("rate guard: so many in a second, and not one more") {
  rate_guard uut{3};
  CHECK_FALSE(uut.exceeded_at(10s));
  CHECK_FALSE(uut.exceeded_at(10s + 400ms));
  CHECK_FALSE(uut.exceeded_at(10s + 800ms));
  CHECK(uut.exceeded_at(10s + 999ms));
  CHECK_FALSE(uut.exceeded_at(11s));
}

TEST_CASE("rate guard: a steady stream within the bound never passes it") {
  rate_guard uut{1000};
  for (auto at = 0us; at < 10s; at += 1000us)
    if (uut.exceeded_at(at))
      FAIL("exceeded at " << at.count());
}

TEST_CASE("line guard: lines beyond the bound are counted, and told later") {
  line_guard uut{2, 10s};
  CHECK(uut.admits_at(0s));
  CHECK(uut.admits_at(1s));
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(uut.admits_at(9s));
  CHECK(uut.admits_at(10s));
  CHECK(uut.take_left_out() == 5);
  CHECK(uut.take_left_out() == 0);
}

TEST_CASE("inbox: few calls are answered ahead, and none while one waits to be taken") {
  kj::EventLoop events;
  kj::WaitScope scope{events};
  inbox uut;
  for (size_t i = 0; i < limits::link_answers_ahead_max; ++i)
    REQUIRE(uut.answers_ahead());
  CHECK_FALSE(uut.answers_ahead());
  auto waits = uut.enter();
  CHECK_FALSE(uut.answers_ahead());
  CHECK(uut.open() == limits::link_answers_ahead_max + 1); // what the bound on calls goes by
  CHECK_FALSE(waits.taken.poll(scope));
  uut.taken(waits.number);
  CHECK(waits.taken.poll(scope));
  CHECK(uut.open() == 0);
  CHECK(uut.answers_ahead());
}
