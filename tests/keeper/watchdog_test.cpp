// When a command must end: decisions over numbers, no process in sight.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/process_table.hpp"
#include "nodes/keeper/watchdog.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

#include <signal.h>

#include <random>

using namespace drover;
using namespace std::chrono_literals;
using phase = watchdog::phase;

namespace {

constexpr watch_limits limits_for_tests{10s, 3s, 2s, 1s, 5s, 1000};

constexpr int exited_with(int code) {
  return code << 8;
}

} // namespace

TEST_CASE("watchdog: the next deadline is the nearer one of time and silence", "[watchdog]") {
  watchdog dog{limits_for_tests, 100s};
  CHECK(dog.deadline() == 103s);
  dog.printed(102s);
  CHECK(dog.deadline() == 105s);
  dog.printed(109s);
  CHECK(dog.deadline() == 110s);
  CHECK(dog.tick(109'999ms) == urge::nothing);
  CHECK(dog.tick(110s) == urge::terminate);
  CHECK(dog.account().reason == "ran longer than 10s");
}

TEST_CASE("watchdog: TERM, then the grace, then KILL, then it gives up", "[watchdog]") {
  watchdog dog{limits_for_tests, 0s};
  CHECK(dog.cancel("asked", 1s) == urge::terminate);
  CHECK(dog.tick(2'999ms) == urge::nothing);
  CHECK(dog.tick(3s) == urge::kill);
  CHECK(dog.tick(3'020ms) == urge::kill);
  CHECK(dog.tick(8s) == urge::nothing);
  CHECK(dog.now_in() == phase::over);
  CHECK(dog.account().outcome == result::cancelled);
}

TEST_CASE("watchdog: the first cause stands", "[watchdog]") {
  watchdog dog{limits_for_tests, 0s};
  dog.cancel("first", 1s);
  CHECK(dog.cancel("second", 1s) == urge::nothing);
  CHECK(dog.log_full(1s) == urge::nothing);
  dog.exited(exited_with(0), 2s);
  dog.nobody_left();
  CHECK(dog.account().outcome == result::cancelled);
  CHECK(dog.account().reason == "first");
  CHECK(dog.account().exit_code == 0);
}

TEST_CASE("watchdog: a cancel after the command's end changes nothing", "[watchdog]") {
  watchdog dog{limits_for_tests, 0s};
  dog.exited(exited_with(0), 1s);
  CHECK(dog.cancel("late", 1s) == urge::nothing);
  CHECK(dog.account().outcome == result::success);
}

TEST_CASE("watchdog: a log that is not whole is never a success", "[watchdog]") {
  watchdog dog{limits_for_tests, 0s};
  dog.exited(exited_with(0), 1s);
  SECTION("full") {
    dog.log_full(1s);
    CHECK(dog.account().outcome == result::failure);
  }
  SECTION("not writable") {
    dog.trouble("the spool can't take it", 1s);
    CHECK(dog.account().outcome == result::exception);
  }
}

TEST_CASE("watchdog: after the exit it drains until the output ends or the time is over",
          "[watchdog]") {
  watchdog dog{limits_for_tests, 0s};
  SECTION("the output ends") {
    CHECK(dog.exited(exited_with(0), 1s) == urge::nothing);
    CHECK(dog.output_ended(1s) == urge::kill);
  }
  SECTION("the time is over") {
    CHECK(dog.exited(exited_with(0), 1s) == urge::nothing);
    CHECK(dog.tick(1'999ms) == urge::nothing);
    CHECK(dog.tick(2s) == urge::kill);
  }
  SECTION("the output had ended before") {
    CHECK(dog.output_ended(500ms) == urge::nothing);
    CHECK(dog.exited(exited_with(0), 1s) == urge::kill);
  }
  CHECK(dog.now_in() == phase::killing);
}

TEST_CASE("watchdog: zeros in an order mean the defaults", "[watchdog]") {
  auto bounds = limits_of({});
  CHECK(bounds.timeout == limits::step_timeout_default);
  CHECK(bounds.silence == limits::step_silence_default);
  CHECK(bounds.grace == limits::kill_grace);
  CHECK(bounds.log_bytes_max == limits::log_bytes_max);
}

TEST_CASE("watchdog: whatever happens, it is over by its last deadline", "[watchdog]") {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random{seed};
    watchdog dog{limits_for_tests, 0s};
    milliseconds now{0};
    for (int i = 0; i < 12; ++i) {
      now += milliseconds{random() % 1500};
      switch (random() % 6) {
      case 0:
        dog.printed(now);
        break;
      case 1:
        dog.cancel("asked", now);
        break;
      case 2:
        dog.exited(exited_with(static_cast<int>(random() % 2)), now);
        break;
      case 3:
        dog.output_ended(now);
        break;
      case 4:
        dog.log_full(now);
        break;
      default:
        dog.tick(now);
      }
    }
    for (int i = 0; i < 5 && dog.now_in() != phase::over; ++i) {
      CHECK(dog.deadline() >= milliseconds{0});
      now = std::max(now, dog.deadline());
      dog.tick(now);
    }
    INFO("seed " << seed);
    CHECK(dog.now_in() == phase::over);
    auto account = dog.account();
    CHECK(account.outcome != result::none);
    CHECK((account.outcome == result::success) == account.reason.empty());
  }
}

TEST_CASE("watchdog: durations and endings read as people write them", "[watchdog]") {
  CHECK(show_duration(2h) == "2h");
  CHECK(show_duration(90s) == "1m30s");
  CHECK(show_duration(25h) == "1d1h");
  CHECK(show_duration(1500ms) == "1500ms");
  CHECK(show_duration(0s) == "0s");
  CHECK(describe_status(exited_with(0)).empty());
  CHECK(describe_status(exited_with(77)) == "exit code 77");
  CHECK(describe_status(SIGKILL) == "killed by signal 9 (SIGKILL)");
}

TEST_CASE("process table: hostile process names don't shift the fields", "[watchdog]") {
  auto entry = parse_process("42 (a) S 1 (b c) R 7 8 9 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0");
  REQUIRE(entry);
  CHECK(entry->pid == 42);
  CHECK(entry->name == "a) S 1 (b c");
  CHECK(entry->parent == 7);
  CHECK(entry->group == 8);
  CHECK(entry->session == 9);
  CHECK_FALSE(entry->exiting);
  CHECK_FALSE(parse_process("42 (a"));
  CHECK_FALSE(parse_process("42 (a) S 1 2"));
  CHECK(name_processes({*entry}) == "a) S 1 (b c (pid 42)");
}

TEST_CASE("process table: a start tick is what field 22 says", "[watchdog]") {
  auto entry = parse_process("5 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  REQUIRE(entry);
  CHECK(entry->zombie);
  CHECK(entry->start_ticks == 19);
  auto dying = parse_process("5 (x) R 1 2 3 4 5 4194308 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  REQUIRE(dying);
  CHECK(dying->exiting);
  CHECK_FALSE(dying->zombie);
  auto itself = find_process(getpid());
  REQUIRE(itself);
  CHECK(itself->parent == getppid());
}
