// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper_watcher.hpp"
#include "tests/catch.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <string>

using namespace drover;

namespace {

pid_t waiting_process() {
  auto pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  return pid;
}

unique_fd pidfd_of(pid_t pid) {
  return unique_fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

/// Watches the process, ends it, and returns when that was told.
void see_the_end(keeper_watcher& uut, pid_t pid, unique_fd pidfd) {
  auto key = std::to_string(pid);
  std::promise<void> told;
  auto end = told.get_future();
  REQUIRE_FALSE(uut.add(key, std::move(pidfd), keeper_watcher::kinship::child));
  REQUIRE(uut.notify(key, [&] { told.set_value(); }));
  kill(pid, SIGKILL);
  REQUIRE(end.wait_for(std::chrono::seconds{30}) == std::future_status::ready);
}

void see_another_end(keeper_watcher& uut) {
  auto pid = waiting_process();
  see_the_end(uut, pid, pidfd_of(pid));
}

} // namespace

TEST_CASE("watcher: an end is not told of a living keeper that has the dead one's descriptor") {
  keeper_watcher uut;
  auto first = waiting_process();
  auto pidfd = pidfd_of(first);
  auto number = pidfd.get();
  unique_fd copy{dup(number)}; // as a process that is just being spawned holds one
  see_the_end(uut, first, std::move(pidfd));
  auto living = waiting_process();
  auto second = pidfd_of(living);
  REQUIRE(second.get() == number);
  REQUIRE_FALSE(uut.add("living", std::move(second), keeper_watcher::kinship::child));
  std::atomic<bool> told{false};
  CHECK(uut.notify("living", [&] { told = true; }));
  see_another_end(uut); // by then the watcher has looked at all that it was told before
  see_another_end(uut);
  CHECK_FALSE(told);
  CHECK(uut.watches("living"));
  kill(living, SIGKILL);
}
