// SPDX-License-Identifier: Apache-2.0
#include "storage/keys.hpp"
#include "storage/known_builds.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/catch.hpp"
#include "tests/schema/record_samples.hpp"

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

build_file make_file(sampler& samples, build_id id, build_state state) {
  build_file file;
  file.build = samples.make<build_record>();
  file.build.id = id;
  file.build.state = state;
  file.recipe = samples.make<builder_spec>();
  for (uint32_t i = 0; i < 3; ++i) {
    file.steps.push_back(samples.make<step_record>());
    file.steps.back().index.value = i;
  }
  return file;
}

void put_file(store& into, const build_file& file) {
  write_batch batch;
  put_build(batch, file.build);
  put_recipe(batch, file.build.id, file.recipe);
  for (const auto& step : file.steps)
    put_step(batch, file.build.id, step);
  REQUIRE_FALSE(into.commit(batch, durability::synced));
}

constexpr auto all = [](const build_record&) { return true; };

/// Reads through to another store and counts what is asked of history.
class counting_store final : public store {
public:
  explicit counting_store(const store& inner) : inner_{inner} {}
  std::optional<failure> commit(const write_batch&, durability) override { return std::nullopt; }
  std::optional<failure> flush_content() override { return std::nullopt; }
  expected<std::optional<std::string>> get(family where, std::string_view key) const override {
    return inner_.get(where, key);
  }
  std::optional<failure>
  scan(family where, std::string_view from, std::string_view to, scan_order order,
       const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return inner_.scan(where, from, to, order, [&](std::string_view key, std::string_view value) {
      history_rows += where == family::history ? 1 : 0;
      return visit(key, value);
    });
  }
  mutable size_t history_rows = 0;

private:
  const store& inner_;
};

} // namespace

TEST_CASE("tables: a build with recipe and steps is read back as it was written") {
  memory_store store;
  sampler samples{21};
  auto file = make_file(samples, {7}, build_state::running);
  put_file(store, make_file(samples, {6}, build_state::running));
  put_file(store, file);
  put_file(store, make_file(samples, {8}, build_state::running));
  CHECK(**read_build(store, {7}) == file.build);
  CHECK(**read_build_file(store, {7}) == file);
  CHECK_FALSE(read_build(store, {9})->has_value());
  CHECK_FALSE(read_build_file(store, {9})->has_value());
  CHECK(*last_build(store) == build_id{8});
}

TEST_CASE("tables: an empty store has no builds, campaigns, hosts and epoch") {
  memory_store store;
  CHECK(*last_build(store) == build_id{0});
  CHECK(*last_campaign(store) == campaign_id{0});
  CHECK(read_hosts(store)->empty());
  CHECK(*read_epoch(store) == epoch{});
  CHECK(read_active(store)->empty());
  CHECK(list_builds(store, {0}, 10, all)->empty());
}

TEST_CASE("tables: the active set holds what is not finished, oldest first") {
  memory_store store;
  sampler samples{22};
  std::vector<build_file> active;
  for (uint64_t id = 1; id <= 300; ++id) {
    auto file = make_file(samples, {id}, build_state::running);
    put_file(store, file);
    if (id % 100 == 0) {
      active.push_back(file);
      continue;
    }
    file.build.state = build_state::finished;
    put_file(store, file);
  }
  counting_store counted{store};
  CHECK(*read_active(counted) == active);
  // Steps are found by a scan of their build's few keys; nothing else of history is walked.
  CHECK(counted.history_rows == 3 * active.size());
}

TEST_CASE("tables: builds are listed newest first, by page and by wish") {
  memory_store store;
  sampler samples{23};
  for (uint64_t id = 1; id <= 20; ++id)
    put_file(store, make_file(samples, {id}, build_state::finished));
  auto ids = [&](build_id before, size_t rows, const auto& accept) {
    auto builds = list_builds(store, before, rows, accept);
    REQUIRE(builds.ok());
    std::vector<uint64_t> listed;
    for (const auto& build : *builds)
      listed.push_back(build.id.value);
    return listed;
  };
  CHECK(ids({0}, 3, all) == std::vector<uint64_t>{20, 19, 18});
  CHECK(ids({18}, 3, all) == std::vector<uint64_t>{17, 16, 15});
  CHECK(ids({3}, 10, all) == std::vector<uint64_t>{2, 1});
  CHECK(ids({0}, 0, all).empty());
  auto tens = [](const build_record& build) { return build.id.value % 10 == 0; };
  CHECK(ids({0}, 5, tens) == std::vector<uint64_t>{20, 10});
}

TEST_CASE("tables: who remembers builds reads the new ones and whether one is still there") {
  memory_store store;
  sampler samples{7};
  for (uint64_t id = 1; id <= 4; ++id)
    put_file(store, make_file(samples, {id}, build_state::finished));
  auto ids = [&](uint64_t after, size_t rows) {
    auto found = builds_after(store, {after}, rows);
    REQUIRE(found);
    std::vector<uint64_t> out;
    for (const auto& build : *found)
      out.push_back(build.id.value);
    return out;
  };
  CHECK(ids(0, 9) == std::vector<uint64_t>{4, 3, 2, 1});
  CHECK(ids(0, 2) == std::vector<uint64_t>{4, 3});
  CHECK(ids(2, 9) == std::vector<uint64_t>{4, 3});
  CHECK(ids(4, 9).empty());
  CHECK(*has_build(store, {4}));
  CHECK_FALSE(*has_build(store, {5}));
  REQUIRE(store.damage(family::history, keys::build({2}), 20));
  CHECK_FALSE(builds_after(store, {1}, 9));
  CHECK(builds_after(store, {2}, 9));
}

TEST_CASE("tables: campaigns, hosts and the epoch are read back") {
  memory_store store;
  sampler samples{24};
  write_batch batch;
  std::vector<campaign_record> campaigns;
  for (uint64_t id = 1; id <= 3; ++id) {
    campaigns.insert(campaigns.begin(), samples.make<campaign_record>());
    campaigns.front().id = {id};
    put_campaign(batch, campaigns.front());
  }
  std::vector<host_record> hosts(2, samples.make<host_record>());
  hosts[0].name = {"h1"};
  hosts[1].name = {"h10"};
  put_host(batch, hosts[1]);
  put_host(batch, hosts[0]);
  put_epoch(batch, {4, 99});
  REQUIRE_FALSE(store.commit(batch, durability::synced));
  CHECK(*list_campaigns(store, {0}, 10) == campaigns);
  CHECK(**read_campaign(store, {2}) == campaigns[1]);
  CHECK(list_campaigns(store, {3}, 1)->front() == campaigns[1]);
  CHECK(*last_campaign(store) == campaign_id{3});
  CHECK(*read_hosts(store) == hosts);
  CHECK(*read_epoch(store) == epoch{4, 99});
}

TEST_CASE("tables: a flipped bit in any record is damage that names the build") {
  sampler samples{25};
  auto file = make_file(samples, {7}, build_state::running);
  for (auto key : {keys::build({7}), keys::recipe({7}), keys::step({{7}, {1}})}) {
    memory_store store;
    put_file(store, file);
    REQUIRE(store.damage(family::history, key, 20));
    auto read = read_build_file(store, {7});
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ec::damaged);
    CHECK(read.error().text.find("build 7") == 0);
    CHECK_FALSE(read_active(store).ok());
  }
}

TEST_CASE("tables: a recipe that is missing is damage, not an empty recipe") {
  memory_store store;
  sampler samples{26};
  auto file = make_file(samples, {7}, build_state::queued);
  write_batch batch;
  put_build(batch, file.build);
  REQUIRE_FALSE(store.commit(batch, durability::synced));
  auto read = read_build_file(store, {7});
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ec::damaged);
}
