// SPDX-License-Identifier: Apache-2.0
#include "nodes/command_runner.hpp"
#include "tests/catch.hpp"

#include <atomic>
#include <future>
#include <stdexcept>

using namespace drover;
using namespace std::chrono_literals;

namespace {

struct ending {
  int32_t exit_code = 0;
  std::string output;
};

ending run(command_runner& runner, const std::string& command) {
  std::promise<ending> over;
  auto end = over.get_future();
  runner.run(command, {{"DROVER_HOST", "h1"}}, [&](int32_t exit_code, const std::string& output) {
    over.set_value({exit_code, output});
  });
  if (end.wait_for(30s) != std::future_status::ready)
    throw std::runtime_error{"the command does not end"};
  return end.get();
}

} // namespace

TEST_CASE("command runner: exit code, output of both kinds, and the host's name") {
  command_runner runner;
  auto end = run(runner, "echo out $DROVER_HOST; echo err >&2; exit 3");
  CHECK(end.exit_code == 3);
  CHECK(end.output == "out h1\nerr\n");
  CHECK(run(runner, "kill -9 $$").exit_code == 128 + 9);
}

TEST_CASE("command runner: the end of much output is kept") {
  command_runner runner;
  auto end = run(runner, "head -c 500000 /dev/zero | tr '\\0' x; echo; echo the end");
  CHECK(end.exit_code == 0);
  CHECK(end.output.size() <= limits::ladder_output_max);
  CHECK(end.output.ends_with("the end\n"));
}

TEST_CASE("command runner: one that hangs is killed with all that it started") {
  command_runner runner{500ms};
  auto end = run(runner, "sleep 1000 & echo started; wait");
  CHECK(end.exit_code == 128 + 9);
  CHECK(end.output.find("started") != std::string::npos);
  CHECK(end.output.find("took too long") != std::string::npos);
}

TEST_CASE("command runner: what is left in the background does not hold the answer up") {
  command_runner runner;
  auto begin = std::chrono::steady_clock::now();
  CHECK(run(runner, "sleep 20 & echo done").output == "done\n");
  CHECK(std::chrono::steady_clock::now() - begin < 15s);
}

TEST_CASE("command runner: more than run at once are all run") {
  command_runner runner;
  std::atomic<size_t> over{0};
  std::promise<void> all;
  auto count = 3 * limits::ladder_commands_max;
  for (size_t i = 0; i < count; ++i)
    runner.run("true", {}, [&](int32_t exit_code, const std::string&) {
      if (exit_code == 0 && ++over == count)
        all.set_value();
    });
  CHECK(all.get_future().wait_for(30s) == std::future_status::ready);
}

TEST_CASE("command runner: a stop ends what runs, and nothing runs after it") {
  command_runner runner;
  std::promise<int32_t> over;
  runner.run("sleep 1000", {},
             [&](int32_t exit_code, const std::string&) { over.set_value(exit_code); });
  runner.stop();
  runner.run("echo never", {}, [&](int32_t, const std::string&) { FAIL("it ran"); });
  auto end = over.get_future();
  if (end.wait_for(0s) == std::future_status::ready) // else it was never begun
    CHECK(end.get() == 128 + 9);
}
