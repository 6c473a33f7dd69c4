// SPDX-License-Identifier: Apache-2.0
#include "actors/core/workspace_care.hpp"
#include "schema/limits.hpp"
#include "schema/limits_workspaces.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

spare source(const std::string& name, uint64_t bytes, int64_t used) {
  return {spare_kind::source, name, "/sources/" + name, "", "", bytes, used, false};
}

spare failed(const std::string& name, const std::string& builder, uint64_t bytes, int64_t used) {
  return {spare_kind::failed_workspace, name, "/" + name, builder, "step test", bytes, used, false};
}

disk_room disk(uint64_t free, uint64_t keep_free) {
  return {free, 100'000, keep_free};
}

std::vector<std::string> removed(const care_plan& plan) {
  std::vector<std::string> names;
  for (const auto& one : plan.removals)
    names.push_back(one.what.name);
  return names;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("workspace care: nothing goes while enough is free") {
  auto plan = plan_care(disk(1000, 1000), {source("a", 10, 1), failed("7-1", "check", 10, 2)});
  CHECK(plan.removals.empty());
  CHECK(plan.missing == 0);
}

TEST_CASE("workspace care: the oldest goes first, and no more than needed") {
  auto plan = plan_care(disk(900, 1000), {source("new", 500, 30), failed("7-1", "check", 60, 20),
                                          source("old", 60, 10), failed("8-1", "docs", 60, 40)});
  CHECK(removed(plan) == names{"old", "7-1"});
  CHECK(plan.missing == 0);
  CHECK(plan.removals[0].because
        == "only 900 bytes were free of the 1000 bytes that are to stay free");
}

TEST_CASE("workspace care: what is busy stays, and what is missing then is told") {
  auto busy = source("busy", 500, 1);
  busy.busy = true;
  auto plan = plan_care(disk(100, 1000), {busy, source("a", 200, 2)});
  CHECK(removed(plan) == names{"a"});
  CHECK(plan.missing == 700);
}

TEST_CASE("workspace care: of each builder the last failed workspace stays") {
  auto plan =
    plan_care(disk(1000, 0), {failed("9-1", "check", 10, 9), failed("7-1", "check", 10, 7),
                              failed("8-1", "docs", 10, 8)});
  CHECK(removed(plan) == names{"7-1"});
  CHECK(plan.removals[0].because == "a later failed build of 'check' is kept");
}

TEST_CASE("workspace care: failed workspaces are bounded, the oldest go") {
  std::vector<spare> all;
  for (size_t i = 0; i < limits::kept_workspaces_max + 2; ++i)
    all.push_back(
      failed(std::to_string(i) + "-1", "builder" + std::to_string(i), 1, static_cast<int64_t>(i)));
  CHECK(removed(plan_care(disk(1000, 0), all)) == names{"0-1", "1-1"});
}

TEST_CASE("workspace care: a disk that can't be measured loses nothing") {
  CHECK(plan_care({}, {source("a", 10, 1)}) == care_plan{});
}

TEST_CASE("workspace care: the target is a part of the disk, within a bound, or as asked for") {
  CHECK(free_target({0, 1000, {}}) == 50);
  CHECK(free_target({0, UINT64_MAX, {}}) == limits::keep_free_bytes_max);
  CHECK(free_target({0, 1000, 7}) == 7);
  CHECK(free_target({0, 1000, 0}) == 0);
}

TEST_CASE("workspace care: facts say where failed builds are, and that space is short") {
  auto facts =
    care_facts(disk(100, 1000), {source("a", 9, 1), failed("7-1", "check", 2048, 7)}, 900);
  CHECK(facts["kept_workspaces"] == "1 of failed builds, 2KiB: /7-1 (check, step test)");
  CHECK(facts["disk_short"]
        == "only 100 bytes are free of the 1000 bytes that are to stay free, and nothing is left "
           "to remove");
  facts = care_facts(disk(1000, 1000), {}, 0);
  CHECK(facts["kept_workspaces"].empty());
  CHECK(facts["disk_short"].empty());
}
