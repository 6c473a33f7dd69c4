// Rights by the configuration, and pauses after wrong passwords.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/rights.hpp"
#include "actors/core/sign_in_guard.hpp"
#include "schema/limits_access.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

std::vector<user_spec> some_users() {
  return {{"anyone", {"view"}},
          {"ann", {"force"}, {"check*", "docs"}},
          {"bob", {"admin"}, {"check"}},
          {"cleo", {"force"}},
          {"dan", {}}};
}

constexpr milliseconds none{0};

/// Waits as long as it must, and tries.
void try_when_allowed(sign_in_guard& guard, const sign_in_try& made, wall_time& now) {
  for (auto pause = guard.begin(made, now); pause > none; pause = guard.begin(made, now))
    now.ms += pause.count();
}

/// Tries until one must wait; how many were let through.
uint32_t tries_before_pause(sign_in_guard& guard, const sign_in_try& made, wall_time now) {
  uint32_t count = 0;
  while (guard.begin(made, now) == none)
    ++count;
  return count;
}

} // namespace

TEST_CASE("rights: a farm without users is open to look at and closed to all else") {
  CHECK(rights_of({}, "") == rights{true, false, false});
  CHECK(rights_of({}, "ann") == rights{true, false, false});
}

TEST_CASE("rights: once users are named, whoever is not may look only where anyone may") {
  std::vector<user_spec> closed{{"ann", {"force"}}};
  CHECK(rights_of(closed, "") == rights{});
  CHECK(rights_of(closed, "zoe") == rights{});
  CHECK(rights_of(closed, "ann").view);
  CHECK(rights_of(some_users(), "").view);
  CHECK(rights_of(some_users(), "dan") == rights{true, false, false});
}

TEST_CASE("rights: force is for the builders that are named, admin for all") {
  auto users = some_users();
  CHECK(may_force(rights_of(users, "ann"), "check-all"));
  CHECK(may_force(rights_of(users, "ann"), "docs"));
  CHECK_FALSE(may_force(rights_of(users, "ann"), "docs2"));
  CHECK(may_force(rights_of(users, "bob"), "anything"));
  CHECK(rights_of(users, "bob").admin);
  CHECK(may_force(rights_of(users, "cleo"), "anything"));
  CHECK_FALSE(may_force(rights_of(users, "dan"), "docs"));
  CHECK_FALSE(may_force(rights_of(users, ""), "docs"));
}

TEST_CASE("rights: nobody gets by the name 'anyone' more than to look") {
  std::vector<user_spec> users{{"anyone", {"view", "admin"}}};
  CHECK(rights_of(users, "anyone") == rights{true, false, false});
}

TEST_CASE("sign-in: the first tries are free, then each pause is twice as long, up to a bound") {
  for (uint32_t wrong = 0; wrong < limits::sign_in_free_tries; ++wrong)
    CHECK(sign_in_pause(wrong, milliseconds{60'000}) == none);
  auto first = limits::sign_in_free_tries;
  CHECK(sign_in_pause(first, milliseconds{60'000}) == milliseconds{1000});
  CHECK(sign_in_pause(first + 3, milliseconds{60'000}) == milliseconds{8000});
  CHECK(sign_in_pause(first + 9, milliseconds{60'000}) == milliseconds{60'000});
  CHECK(sign_in_pause(UINT32_MAX, milliseconds{60'000}) == milliseconds{60'000});
}

TEST_CASE("sign-in: ten thousand tries at one account take days, from however many addresses") {
  sign_in_guard guard;
  wall_time now{1};
  for (uint32_t each = 0; each < 10'000; ++each) {
    sign_in_try made{"ann",
                     "10.0." + std::to_string(each / 250) + "." + std::to_string(each % 250)};
    try_when_allowed(guard, made, now);
  }
  CHECK(now.ms > 3 * 86'400'000LL);
}

TEST_CASE("sign-in: ten thousand tries from one address take months, at however many accounts") {
  sign_in_guard guard;
  wall_time now{1};
  for (uint32_t each = 0; each < 10'000; ++each) {
    sign_in_try made{"user" + std::to_string(each), "2001:db8::" + std::to_string(each)};
    try_when_allowed(guard, made, now);
  }
  CHECK(now.ms > 90 * 86'400'000LL);
}

TEST_CASE("sign-in: an account that is not there is treated as one that is") {
  // The guard is never told; this holds it to that: pauses come from what was typed alone.
  sign_in_guard first, second;
  CHECK(tries_before_pause(first, {"ann", "10.0.0.1"}, {5})
        == tries_before_pause(second, {"no-such-user", "10.0.0.1"}, {5}));
}

TEST_CASE("sign-in: others' tries don't keep out who has signed in from there before") {
  sign_in_guard guard;
  sign_in_try mine{"ann", "10.0.0.1"};
  REQUIRE(guard.begin(mine, {1}) == none);
  guard.succeeded(mine);
  tries_before_pause(guard, {"ann", "10.9.9.9"}, {2});
  CHECK(guard.begin({"ann", "10.8.8.8"}, {2}) > none);
  CHECK(guard.begin(mine, {2}) == none);
}

TEST_CASE("sign-in: one's own account does not make tries at others' free") {
  sign_in_guard guard;
  uint32_t wrong = 0;
  for (int round = 0; round < 100; ++round) {
    if (guard.begin({"victim" + std::to_string(round), "10.0.0.1"}, {1}) != none)
      break;
    ++wrong;
    sign_in_try mine{"mallory", "10.0.0.1"};
    if (guard.begin(mine, {1}) == none)
      guard.succeeded(mine);
  }
  CHECK(wrong <= limits::sign_in_free_tries);
}

TEST_CASE("sign-in: what could not be told counts for nothing, and old tries are forgotten") {
  sign_in_guard guard;
  sign_in_try made{"ann", "10.0.0.1"};
  for (int round = 0; round < 50; ++round) {
    REQUIRE(guard.begin(made, {1}) == none);
    guard.take_back(made);
  }
  tries_before_pause(guard, made, {1});
  wall_time later{1 + limits::sign_in_forget_after.count()};
  CHECK(guard.begin(made, later) == none);
  CHECK(tries_before_pause(guard, made, later) == limits::sign_in_free_tries - 1);
}

TEST_CASE("sign-in: an address that many share has short pauses") {
  sign_in_guard guard;
  sign_in_try made{"", "127.0.0.1", true};
  wall_time now{1};
  for (int round = 0; round < 30; ++round) {
    made.account = "user" + std::to_string(round);
    auto before = now;
    try_when_allowed(guard, made, now);
    CHECK(now.ms - before.ms <= limits::sign_in_account_pause_max.count());
  }
}

TEST_CASE("sign-in: memory is bounded, whatever is typed") {
  sign_in_guard guard;
  for (size_t each = 0; each < limits::sign_in_remembered_max + 50; ++each)
    guard.begin({"user" + std::to_string(each), "a" + std::to_string(each)},
                {static_cast<int64_t>(each)});
  // The newest are remembered.
  auto last = std::to_string(limits::sign_in_remembered_max + 49);
  CHECK(tries_before_pause(guard, {"user" + last, "b"}, {static_cast<int64_t>(10'100)})
        == limits::sign_in_free_tries - 1);
}

TEST_CASE("sign-in: addresses of one IPv6 network count as one") {
  CHECK(network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:8:9:a:b"));
  CHECK(network_of("2001:db8:1:2::7") != network_of("2001:db8:1:3::7"));
  CHECK(network_of("2001:db8::7") == network_of("2001:db8::8:1"));
  CHECK(network_of("2001:db8:1::7") == network_of("2001:db8:1:0:5::1"));
  CHECK(network_of("2001:db8:1::7") == network_of("2001:db8:1:0:5:6:7:8"));
  CHECK(network_of("1::4:5:6:7:8") != network_of("1::8"));
  CHECK(network_of("::1") == network_of("::2"));
  CHECK(network_of("10.0.0.1") == "10.0.0.1");
}
