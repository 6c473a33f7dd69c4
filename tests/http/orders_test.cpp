// What people order of the farm over HTTP: retries, hosts, configurations, the store.
// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;
using nlohmann::json;

namespace {

json body_of(const drover::expected<cli::reply>& answer, unsigned status) {
  REQUIRE(answer);
  INFO(answer->body);
  REQUIRE(answer->status == status);
  return json::parse(answer->body);
}

build_record finished(uint64_t id, const std::string& builder, result outcome) {
  build_record build;
  build.id = {id};
  build.builder = builder;
  build.state = build_state::finished;
  build.outcome = outcome;
  build.created_at = build.finished_at = {1'700'000'000'000};
  return build;
}

void put(scripted_farm& farm, const build_record& build) {
  storage::write_batch batch;
  storage::put_build(batch, build);
  storage::put_recipe(batch, build.id, {});
  farm.commit(std::move(batch));
}

config_record generation(uint64_t number) {
  config_record config;
  config.generation = number;
  config.by = "ann";
  config.path = "farm.yaml";
  config.files = {{"farm.yaml", "farm: test\n"}};
  config.summary = "builder check changed";
  return config;
}

} // namespace

TEST_CASE("orders: a retry is answered as a submission is, with who and why") {
  scripted_farm farm;
  farm.plan->submission_answer = submitted{{}, {{13}}};
  auto made = body_of(farm.client.post("/api/v1/builds/12/retry?by=ann&reason=flaky", ""), 201);
  CHECK(made["id"] == 13);
  CHECK(made["builds"] == json::array({13}));
  {
    std::lock_guard<std::mutex> hold{farm.plan->mutex};
    REQUIRE(farm.plan->retried);
    CHECK(farm.plan->retried->build == build_id{12});
    CHECK(farm.plan->retried->by == "ann");
    CHECK(farm.plan->retried->reason == "flaky");
    farm.plan->submission_answer = failure{ec::conflict, "build 12 is not over yet"};
  }
  body_of(farm.client.post("/api/v1/builds/12/retry", ""), 409);
  body_of(farm.client.post("/api/v1/builds/x/retry", ""), 404);
}

TEST_CASE("orders: hosts are drained, paused, resumed, restarted and forgotten") {
  scripted_farm farm;
  const std::map<std::string, host_action> actions{{"drain", host_action::drain},
                                                   {"pause", host_action::pause},
                                                   {"resume", host_action::resume},
                                                   {"restart", host_action::restart},
                                                   {"forget", host_action::forget}};
  for (const auto& [name, action] : actions) {
    auto done =
      body_of(farm.client.post("/api/v1/hosts/h1/" + name + "?reason=new%20disk", ""), 202);
    CHECK(done["name"] == "h1");
    std::lock_guard<std::mutex> hold{farm.plan->mutex};
    REQUIRE(farm.plan->ordered);
    CHECK(farm.plan->ordered->action == action);
    CHECK(farm.plan->ordered->reason == "new disk");
    CHECK(farm.plan->ordered->lasting == milliseconds{0});
  }
  body_of(farm.client.post("/api/v1/hosts/h1/explode", ""), 404);
  body_of(farm.client.post("/api/v1/hosts/h1/resume?for=60", ""), 400);
  body_of(farm.client.post("/api/v1/hosts/h1/drain?for=soon", ""), 400);
}

TEST_CASE("orders: builders come with their parameters and their last build") {
  scripted_farm farm;
  auto live = std::make_shared<live_config>();
  live->generation = 4;
  builder_spec check;
  check.name = "check";
  check.on = {placement_kind::each_class, {"os", "arch"}};
  check.steps.resize(1);
  check.steps[0].name = "test";
  check.steps[0].timeout = std::chrono::minutes{90};
  param_spec depth;
  depth.name = "DEPTH";
  depth.kind = param_kind::choice;
  depth.fallback = "low";
  depth.choices = {"low", "high"};
  check.params = {depth};
  builder_spec unused;
  unused.name = "unused";
  live->config.builders = {check, unused};
  farm.plan->live = live;
  put(farm, finished(1, "check", result::success));
  put(farm, finished(2, "check", result::failure));
  put(farm, finished(3, "gone", result::success));
  auto said = body_of(farm.client.get("/api/v1/builders"), 200);
  CHECK(said["generation"] == 4);
  REQUIRE(said["builders"].size() == 2);
  auto first = said["builders"][0];
  CHECK(first["on"] == "each(os, arch)");
  CHECK(first["steps"][0]["timeout_s"] == 5400);
  CHECK(first["params"][0]["choices"] == json::array({"low", "high"}));
  CHECK(first["last"] == json{{"build", 2}, {"state", "finished"}, {"result", "failure"}});
  CHECK(said["builders"][1]["last"].is_null());
  CHECK(body_of(farm.client.get("/api/v1/builders/check"), 200) == first);
  body_of(farm.client.get("/api/v1/builders/gone"), 404);
}

TEST_CASE("orders: configurations are listed without and shown with their files") {
  scripted_farm farm;
  storage::write_batch batch;
  storage::put_config(batch, generation(1));
  storage::put_config(batch, generation(2));
  farm.commit(std::move(batch));
  auto live = std::make_shared<live_config>();
  live->generation = 2;
  farm.plan->live = live;
  CHECK(body_of(farm.client.get("/api/v1/config"), 200)["generation"] == 2);
  auto list = body_of(farm.client.get("/api/v1/config/generations"), 200)["generations"];
  REQUIRE(list.size() == 2);
  CHECK(list[0]["generation"] == 2);
  CHECK_FALSE(list[0].contains("files"));
  auto first = body_of(farm.client.get("/api/v1/config/generations/1"), 200);
  CHECK(first["files"]["farm.yaml"] == "farm: test\n");
  body_of(farm.client.get("/api/v1/config/generations/3"), 404);
  body_of(farm.client.get("/api/v1/config/generations/x"), 404);
}

TEST_CASE("orders: a reload reaches the coordinator, or all mistakes come back with their places") {
  scripted_farm farm;
  farm.plan->reading = {std::nullopt, {{"farm.yaml", 3, 7, "unknown key 'step'"}}};
  auto refused = body_of(farm.client.post("/api/v1/config/reload", ""), 400);
  CHECK(refused["errors"]
        == json::array({json{
          {"file", "farm.yaml"}, {"line", 3}, {"column", 7}, {"message", "unknown key 'step'"}}}));
  CHECK(refused["status"] == 400);
  CHECK_FALSE(farm.plan->reloaded);
  reload_config fresh;
  fresh.config.farm = "new";
  farm.plan->reading = {fresh, {}};
  auto done = body_of(farm.client.post("/api/v1/config/reload?reason=more%20hosts", ""), 202);
  CHECK(done["text"] == "generation 2 is in force");
  REQUIRE(farm.plan->reloaded);
  CHECK(farm.plan->reloaded->config.farm == "new");
}

TEST_CASE("orders: the store is verified, copied and cleaned up, and the journal says so") {
  scripted_farm farm;
  put(farm, finished(1, "check", result::failure));
  put(farm, finished(2, "check", result::failure));
  auto verified = body_of(farm.client.post("/api/v1/store/verify", ""), 200);
  CHECK(verified["ok"] == true);
  CHECK(verified["checked"]["records"] >= 4);
  auto kept = body_of(farm.client.post("/api/v1/store/backup?to=/somewhere/else", ""), 201);
  CHECK(kept["path"] == "/somewhere/else");
  for (auto wrong : {"", "?to=relative", "?to=%2Fa%0Ab"})
    body_of(farm.client.post("/api/v1/store/backup" + std::string{wrong}, ""), 400);
  auto would = body_of(farm.client.post("/api/v1/store/gc?older_than=60&preview=yes", ""), 200);
  CHECK(would["builds"] == 1);
  CHECK(body_of(farm.client.get("/api/v1/builds"), 200)["builds"].size() == 2);
  auto done = body_of(farm.client.post("/api/v1/store/gc?older_than=60&by=ann", ""), 200);
  CHECK(done["builds"] == 1);
  CHECK(body_of(farm.client.get("/api/v1/builds"), 200)["builds"].size() == 1);
  auto without_age = body_of(farm.client.post("/api/v1/store/gc", ""), 200); // no build goes then
  CHECK(without_age["builds"] == 0);
  CHECK(body_of(farm.client.get("/api/v1/builds"), 200)["builds"].size() == 1);
  body_of(farm.client.post("/api/v1/store/gc?older_than=soon", ""), 400);
  body_of(farm.client.post("/api/v1/store/gc?older_than=60&preview=perhaps", ""), 400);
  auto events = body_of(farm.client.get("/api/v1/events?kind=store_kept"), 200)["events"];
  REQUIRE(events.size() == 4); // a preview does nothing
  CHECK(events[2]["by"] == "ann");
  CHECK(events[2]["text"] == "removed 1 builds, 0 events, 0 blobs; dropped artifacts of 0 builds");
}

TEST_CASE("orders: a verification names what is damaged, and is not the server's failure") {
  scripted_farm farm;
  put(farm, finished(1, "check", result::success));
  storage::write_batch batch;
  batch.add(storage::family::history, std::string{"\x10\0\0\0\0\0\0\0\x02", 9}, "no record");
  farm.commit(std::move(batch));
  auto verified = body_of(farm.client.post("/api/v1/store/verify", ""), 200);
  CHECK(verified["ok"] == false);
  CHECK(verified["damages"] >= 1);
  CHECK(verified["damaged"][0]["what"] == "build 2");
}
