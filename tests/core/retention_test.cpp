// Which artifacts go.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/retention.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

namespace {

constexpr int64_t day = 24 * 3'600'000;
constexpr wall_time now{1000 * day};

artifact_holder holder(uint64_t id, int64_t days_ago, bool green = false, uint64_t bytes = 100,
                       const std::string& builder = "check") {
  return {{id}, builder, {now.ms - days_ago * day}, green, bytes};
}

farm_config farm(retention_spec keep, retention_spec all = {}) {
  farm_config config;
  config.builders.resize(2);
  config.builders[0].name = "check";
  config.builders[0].keep = keep;
  config.builders[1].name = "other";
  config.limits.artifacts = all;
  return config;
}

std::vector<uint64_t> dropped(const farm_config& config,
                              const std::vector<artifact_holder>& holders) {
  std::vector<uint64_t> ids;
  for (const auto& drop : choose_drops(config, holders, now))
    ids.push_back(drop.build.value);
  return ids;
}

} // namespace

TEST_CASE("retention: without a rule nothing goes") {
  CHECK(dropped(farm({}), {holder(2, 400), holder(1, 900)}).empty());
  CHECK_FALSE(has_retention(farm({})));
  CHECK(has_retention(farm({}, {1h, 0, 0})));
  CHECK_FALSE(has_retention(farm({0ms, 0, 5})));
}

TEST_CASE("retention: what is older than the age goes, the oldest told first, with why") {
  auto config = farm({30 * 24h, 0, 0});
  auto drops = choose_drops(config, {holder(3, 1), holder(2, 31), holder(1, 99)}, now);
  REQUIRE(drops.size() == 2);
  CHECK(drops[0].build == build_id{1});
  CHECK(drops[0].why.starts_with("older than "));
}

TEST_CASE("retention: the newest green build keeps its artifacts however old it is") {
  auto config = farm({24h, 1, 0});
  CHECK(dropped(config, {holder(4, 50), holder(3, 60, true), holder(2, 70, true)})
        == std::vector<uint64_t>{2, 4});
}

TEST_CASE("retention: the last builds stay whatever age and budget say") {
  auto config = farm({24h, 1, 2});
  CHECK(dropped(config, {holder(4, 50), holder(3, 60), holder(2, 70)}) == std::vector<uint64_t>{2});
}

TEST_CASE("retention: beyond the budget the oldest go until the rest fits") {
  auto config = farm({0ms, 250, 0});
  CHECK(dropped(config, {holder(4, 1), holder(3, 2), holder(2, 3), holder(1, 4)})
        == std::vector<uint64_t>{1, 2});
  CHECK(choose_drops(config, {holder(3, 1), holder(2, 2), holder(1, 3)}, now)[0].why
        == "the oldest beyond 250 bytes of artifacts of builder check");
}

TEST_CASE("retention: what age took does not count for the budget") {
  auto config = farm({2 * 24h, 250, 0});
  CHECK(dropped(config, {holder(3, 1), holder(2, 1), holder(1, 9)}) == std::vector<uint64_t>{1});
}

TEST_CASE("retention: limits count for builders that say nothing, together") {
  auto config = farm({0ms, 1000, 0}, {0ms, 150, 0});
  CHECK(dropped(config, {holder(4, 1, false, 100, "other"), holder(3, 2),
                         holder(2, 3, false, 100, "gone"), holder(1, 4)})
        == std::vector<uint64_t>{2});
}

TEST_CASE("retention: a green second opinion is not the builder's newest green build") {
  build_record build;
  build.outcome = result::success;
  build.artifacts = {{"a", "x", 3}, {"b", "y", 4}};
  CHECK(holder_of(build).green);
  CHECK(holder_of(build).bytes == 7);
  build.opinion_of = {1};
  CHECK_FALSE(holder_of(build).green);
}
