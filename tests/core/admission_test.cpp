// SPDX-License-Identifier: Apache-2.0
#include "actors/core/admission.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

namespace {

constexpr auto suspect_after = 700ms;
const agent_identity first{"machine-1", "boot-1", 11};

std::optional<std::string> ask(milliseconds silent, const agent_identity& newcomer) {
  return refuse_agent("h1", incumbent{first, silent}, newcomer, suspect_after);
}

} // namespace

TEST_CASE("admission: a name that nobody holds is free") {
  CHECK_FALSE(refuse_agent("h1", std::nullopt, first, suspect_after));
}

TEST_CASE("admission: the same agent may connect anew") {
  CHECK_FALSE(ask(0ms, first));
}

TEST_CASE("admission: a dead agent's name is free at once, whoever comes") {
  for (const auto& newcomer :
       {agent_identity{"machine-1", "boot-1", 12}, agent_identity{"machine-1", "boot-2", 12},
        agent_identity{"machine-2", "boot-9", 12}})
    CHECK_FALSE(ask(suspect_after, newcomer));
}

TEST_CASE("admission: beside a living agent nobody gets its name, and hears why") {
  CHECK(ask(699ms, {"machine-2", "boot-9", 12})
        == "an agent named h1 is alive on another machine: give this one a name and keys of its "
           "own");
  CHECK(ask(0ms, {"machine-1", "boot-2", 12})
        == "an agent named h1 is alive on a machine with a copy of this state folder: give each "
           "its own folder, name and keys");
  CHECK(ask(0ms, {"machine-1", "boot-1", 12})
        == "an agent named h1 is alive on this very machine: stop one of the two");
}
