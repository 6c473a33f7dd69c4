// The nursery out of which an agent's keepers come.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/nursery.hpp"
#include "tests/keeper/keeper_fixture.hpp"

#include <unistd.h>

using namespace drover;

namespace {

std::string arguments_of(int32_t pid) {
  return slurp("/proc/" + std::to_string(pid) + "/cmdline");
}

/// A keeper that was just forked is shown as the nursery for a moment.
std::vector<int32_t> nurseries() {
  std::vector<int32_t> found;
  for (const auto& entry : all_processes())
    if (entry.parent == getpid() && !entry.zombie
        && arguments_of(entry.pid).find(nursery_word) != std::string::npos)
      found.push_back(entry.pid);
  return found;
}

} // namespace

TEST_CASE_METHOD(keeper_fixture, "nursery: a keeper is the agent's child and shows its folder",
                 "[keeper]") {
  begin(order("sleep 30"));
  auto pid = keeper().pid;
  CHECK(find_process(pid)->parent == getpid());
  auto shown = std::string{"drover-keeper"} + '\0' + spool->folder_of(token()) + '\0';
  CHECK(arguments_of(pid).substr(0, shown.size()) == shown);
  REQUIRE(nurseries().size() == 1);
  CHECK(nurseries()[0] != pid);
  spool->cancel(token(), "enough");
  CHECK(await_exit().outcome == result::cancelled);
}

TEST_CASE_METHOD(keeper_fixture, "nursery: its death costs no step", "[keeper]") {
  begin(order("while [ ! -e $D/go ]; do sleep 0.05; done"));
  await([&] { return nurseries().size() == 1; });
  auto before = nurseries();
  REQUIRE(kill(before[0], SIGKILL) == 0);
  spill(folder.path + "/go", "");
  CHECK(await_exit().outcome == result::success);
  auto next = order("echo started");
  next.token = token(2);
  begin(next);
  std::promise<void> gone;
  spool->watch(next.token, [&] { gone.set_value(); });
  REQUIRE(gone.get_future().wait_for(10s) == std::future_status::ready);
  REQUIRE(spool->exit_of(next.token));
  CHECK(spool->exit_of(next.token)->outcome == result::success);
  CHECK(*spool->read_log(next.token, 0, 100) == "started\n");
  next.token = token(3);
  begin(next);
  await([&] { return nurseries().size() == 1; });
  CHECK(nurseries() != before);
}

TEST_CASE_METHOD(keeper_fixture, "nursery: it ends with its agent and its keepers do not",
                 "[keeper]") {
  begin(order("sleep 30"));
  auto pid = keeper().pid;
  restart_agent();
  CHECK(nurseries().empty());
  CHECK(alive(pid));
  spool->cancel(token(), "enough");
  CHECK(await_exit().outcome == result::cancelled);
}
