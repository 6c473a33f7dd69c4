// SPDX-License-Identifier: Apache-2.0
#include "actors/core/submit.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;

namespace {

farm_config farm(placement_kind on, std::string requirement = {}) {
  farm_config config;
  config.builders = {recipe_of({step("build")}, std::move(requirement))};
  config.builders[0].on.kind = on;
  config.builders[0].on.class_keys = {"os", "arch"};
  return config;
}

host_offer typed(std::string name, std::string os, std::string arch) {
  return host(std::move(name), 1, 0, {{"os", std::move(os)}, {"arch", std::move(arch)}});
}

} // namespace

TEST_CASE("submit: an unknown builder is refused with the ones that there are") {
  auto plan = plan_submission(farm(placement_kind::any), {}, {{"chekc", {}}}, "");
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().code == ec::not_found);
  CHECK(plan.error().text == "there is no builder 'chekc'; the farm has: check");
}

TEST_CASE("submit: a builder for any host makes one build and no campaign") {
  auto plan =
    plan_submission(farm(placement_kind::any), {host("h1"), host("h2")}, {{"check", {}}}, "");
  REQUIRE(plan.ok());
  CHECK(plan->cells.size() == 1);
  CHECK_FALSE(plan->is_campaign);
}

TEST_CASE("submit: a builder for each host makes a pinned build a host, holes explained") {
  auto config = farm(placement_kind::each_host, "os == 'linux'");
  auto hosts = {typed("h1", "linux", "arm64"), typed("h2", "sunos", "sparc")};
  auto plan = plan_submission(config, hosts, {{"check", {}}}, "");
  REQUIRE(plan.ok());
  REQUIRE(plan->cells.size() == 2);
  CHECK(plan->cells[0].host == host_name{"h1"});
  CHECK(plan->cells[0].hole.empty());
  CHECK(plan->cells[1].hole.find("h2 does not serve: os is 'sunos'") == 0);
  CHECK(plan->is_campaign);
}

TEST_CASE("submit: a builder for each class makes one build a class") {
  auto hosts = {typed("h1", "linux", "arm64"), typed("h2", "linux", "arm64"),
                typed("h3", "linux", "s390x")};
  auto plan = plan_submission(farm(placement_kind::each_class), hosts, {{"check", {}}}, "");
  REQUIRE(plan.ok());
  REQUIRE(plan->cells.size() == 2);
  CHECK(plan->cells[0].host_class == "linux/arm64");
  CHECK(plan->cells[1].class_condition == "os == 'linux' and arch == 's390x'");
}

TEST_CASE("submit: a host named by hand overrides where the builder runs") {
  auto plan = plan_submission(farm(placement_kind::each_host), {host("h1"), host("h2")},
                              {{"check", {}}}, "h2");
  REQUIRE(plan.ok());
  REQUIRE(plan->cells.size() == 1);
  CHECK(plan->cells[0].host == host_name{"h2"});
  CHECK_FALSE(plan_submission(farm(placement_kind::any), {host("h1")}, {{"check", {}}}, "h9").ok());
}

TEST_CASE("submit: a builder for each host needs a host that serves") {
  auto plan = plan_submission(farm(placement_kind::each_host, "os == 'plan9'"), {host("h1")},
                              {{"check", {}}}, "");
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().code == ec::conflict);
}

TEST_CASE("submit: a campaign of several tarballs has their set as its source") {
  source_ref one{source_kind::tarball, "a.tar.gz", "11", "", 5};
  source_ref two{source_kind::tarball, "b.tar.gz", "22", "", 7};
  CHECK(campaign_source({{"check", one}, {"check", one}}) == one);
  auto set = campaign_source({{"check", one}, {"check", two}});
  CHECK(set.kind == source_kind::set);
  CHECK(set.id == "a.tar.gz + b.tar.gz");
  CHECK(set.size == 12);
}

TEST_CASE("submit: a builder builds from each of its sources, and from no other") {
  auto config = farm(placement_kind::any);
  auto& builder = config.builders[0];
  builder.source = "candidates";
  builder.more_sources = {"trunk", "lib"};
  for (auto source : {"candidates", "trunk", "lib"})
    CHECK(builds_from(builder, source));
  CHECK_FALSE(builds_from(builder, "other"));
  CHECK(source_of_orders(config, builder) == "candidates");
}
