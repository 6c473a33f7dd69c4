// SPDX-License-Identifier: Apache-2.0
#include "actors/core/conduct.hpp"
#include "actors/core/progress.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

namespace {

constexpr epoch present{3, 77};

/// Build 7 of one step, which ran on h1.
build_file some_build() {
  builder_spec recipe;
  recipe.name = "b";
  recipe.steps.resize(1);
  recipe.steps[0].name = "run";
  auto file = make_build({7}, recipe, {});
  apply_placed(file, {"h1"}, {1});
  return file;
}

} // namespace

TEST_CASE("conduct: an attempt is its host's, whatever others say") {
  auto file = some_build();
  auto token = apply_grant(file, {{0}}, present, {2});
  CHECK(judge_claim(file, token, {"h1"}, present) == claim::own);
  CHECK(judge_claim(file, token, {"h2"}, present) == claim::foreign);
  epoch later{present.counter + 1, 78};
  CHECK(judge_claim(file, token, {"h1"}, later) == claim::own);
  CHECK(judge_claim(file, token, {"h2"}, later) == claim::foreign);
}

TEST_CASE("conduct: what the present coordinator never granted is nobody's, older grants may be of "
          "another disk") {
  auto file = some_build();
  auto token = apply_grant(file, {{0}}, present, {2});
  ++token.attempt.attempt.value;
  CHECK(judge_claim(file, token, {"h1"}, present) == claim::foreign);
  CHECK(judge_claim({}, token, {"h1"}, present) == claim::foreign);
  --token.granted_in.counter;
  CHECK(judge_claim(file, token, {"h1"}, present) == claim::unknown);
  CHECK(judge_claim({}, token, {"h1"}, present) == claim::unknown);
}

TEST_CASE("conduct: a host has part in builds that are or were on it") {
  auto file = some_build();
  CHECK(judge_part(file, {"h1"}) == claim::own);
  CHECK(judge_part(file, {"h2"}) == claim::foreign);
  apply_grant(file, {{0}}, present, {2});
  file.build.host = {"h2"}; // it has moved
  CHECK(judge_part(file, {"h1"}) == claim::own);
  CHECK(judge_part(file, {"h2"}) == claim::own);
  CHECK(judge_part({}, {"h1"}) == claim::unknown);
}

TEST_CASE("conduct: the same misdeed is told seldom, and what was left out is counted") {
  misconduct_guard guard;
  CHECK(guard.told("it lies", 0s) == "it lies");
  CHECK(guard.told("it lies", 1s).empty());
  CHECK(guard.told("it lies", 2s).empty());
  CHECK(guard.told("it floods", 3s) == "it floods; it has done such things 2 times more");
  CHECK(guard.told("it lies", limits::misconduct_repeat + 1s) == "it lies");
}

TEST_CASE("conduct: different misdeeds of one host are told up to a number in a period") {
  misconduct_guard guard;
  uint32_t told = 0;
  for (int i = 0; i < 1000; ++i)
    told += guard.told("it does " + std::to_string(i), 1s).empty() ? 0 : 1;
  CHECK(told == limits::misconduct_told_max);
  CHECK(guard.told("it goes on", 1s + limits::misconduct_period)
        == "it goes on; it has done such things 990 times more");
}
