// SPDX-License-Identifier: Apache-2.0
#include "actors/core/liveness.hpp"
#include "actors/core/restart_budget.hpp"
#include "tests/catch.hpp"

using namespace drover::core;
using namespace std::chrono_literals;

TEST_CASE("liveness: silence makes a host suspect, then lost") {
  liveness_policy policy{700ms, 60s};
  CHECK(after_silence(policy, 0ms) == liveness::up);
  CHECK(after_silence(policy, 699ms) == liveness::up);
  CHECK(after_silence(policy, 700ms) == liveness::suspect);
  CHECK(after_silence(policy, 60s - 1ms) == liveness::suspect);
  CHECK(after_silence(policy, 60s) == liveness::lost);
}

TEST_CASE("liveness: spans are spoken in the unit that fits") {
  CHECK(spoken(0ms) == "0 ms");
  CHECK(spoken(999ms) == "999 ms");
  CHECK(spoken(3210ms) == "3.2 s");
  CHECK(spoken(4min + 59s) == "4 min");
  CHECK(spoken(50h) == "50 h");
  CHECK(spoken(-5ms) == "0 ms");
}

TEST_CASE("restart budget: so many restarts within a period, and no more") {
  restart_history history;
  restart_budget budget{2, 10s};
  CHECK(spend(history, budget, 0));
  CHECK(spend(history, budget, 1000));
  CHECK_FALSE(spend(history, budget, 9999));
  CHECK(spend(history, budget, 10'000));
}
