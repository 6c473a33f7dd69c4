// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>

using namespace drover;
using namespace drover::http::test;
using nlohmann::json;

namespace {

void put(script& plan, const build_file& file) {
  storage::write_batch batch;
  storage::put_build(batch, file.build);
  storage::put_recipe(batch, file.build.id, file.recipe);
  for (const auto& step : file.steps)
    storage::put_step(batch, file.build.id, step);
  REQUIRE_FALSE(plan.store->commit(batch, storage::durability::synced));
}

void put_log(script& plan, uint64_t offset, const std::string& bytes) {
  storage::write_batch batch;
  storage::put_log_chunk(batch, {{12}, {0}, {1}}, offset, bytes);
  if (plan.store->commit(batch, storage::durability::synced))
    throw std::runtime_error{"the store in memory failed"};
}

build_file make_build(build_state state, result outcome) {
  build_file out;
  out.build.id = {12};
  out.build.builder = "check";
  out.build.state = state;
  out.build.outcome = outcome;
  out.build.created_at = {1'769'860'800'000};
  out.recipe.name = "check";
  step_record step;
  step.name = "test";
  step.state = state == build_state::finished ? step_state::finished : step_state::running;
  step.outcome = outcome;
  attempt_record attempt;
  attempt.number = {1};
  attempt.host = {"h1"};
  attempt.granted_in = {3, 99};
  attempt.state = state == build_state::finished ? attempt_state::finished : attempt_state::running;
  attempt.outcome = outcome;
  step.attempts = {attempt};
  out.steps = {step};
  out.recipe.steps.resize(1);
  out.recipe.steps[0].name = "test";
  return out;
}

json body_of(const drover::expected<cli::reply>& answer) {
  REQUIRE(answer);
  INFO(answer->body);
  REQUIRE(answer->ok());
  return json::parse(answer->body);
}

void check_problem(const drover::expected<cli::reply>& answer, unsigned status) {
  REQUIRE(answer);
  INFO(answer->body);
  CHECK(answer->status == status);
  CHECK(answer->field("content-type") == "application/problem+json");
  auto detail = json::parse(answer->body).at("detail").get<std::string>();
  CHECK_FALSE(detail.empty());
  CHECK(detail.find('\n') == std::string::npos);
}

} // namespace

TEST_CASE("api: the farm tells its name, version and epoch") {
  scripted_farm farm;
  auto said = body_of(farm.client.get("/api/v1/"));
  CHECK(said["farm"] == "test");
  CHECK(said["epoch"]["counter"] == 3);
  CHECK(body_of(farm.client.get("/readyz"))["status"] == "ready");
  CHECK(body_of(farm.client.get("/api/v1/healthz"))["status"] == "ok");
}

TEST_CASE("api: an unknown address is 404, a wrong method is 405 and says what is right") {
  scripted_farm farm;
  check_problem(farm.client.get("/api/v2"), 404);
  check_problem(farm.client.get("/api/v1/builds/12/nothing"), 404);
  auto refused = farm.client.get("/api/v1/builds/12/cancel");
  check_problem(refused, 405);
  CHECK(refused->field("allow") == "POST");
  auto deleted = farm.client.post("/api/v1/hosts", "");
  check_problem(deleted, 405);
  CHECK(deleted->field("allow") == "GET, HEAD");
}

TEST_CASE("api: what does not exist is 404 in one sentence") {
  scripted_farm farm;
  for (auto target : {"/api/v1/builds/99", "/api/v1/builds/x", "/api/v1/builds/99/why",
                      "/api/v1/builds/99/steps/test/log", "/api/v1/builds/99/artifacts",
                      "/api/v1/builds/99/artifacts/a", "/api/v1/campaigns/c9", "/api/v1/hosts/h9",
                      "/api/v1/hosts/h9/why", "/api/v1/actors?node=h9"})
    check_problem(farm.client.get(target), 404);
  check_problem(farm.client.post("/api/v1/builds/99/cancel", ""), 404);
}

TEST_CASE("api: parameters that are wrong or unknown are refused") {
  scripted_farm farm;
  for (auto target : {"/api/v1/builds?limit=x", "/api/v1/builds?limit=1001",
                      "/api/v1/builds?state=red", "/api/v1/builds?color=red", "/api/v1/hosts?x=1"})
    check_problem(farm.client.get(target), 400);
}

TEST_CASE("api: a source is stored under its digest, whatever its size") {
  scripted_farm farm;
  std::string content(3 * 1024 * 1024 + 17, 'q');
  auto stored = body_of(farm.client.post("/api/v1/sources?name=hello-2.12.tar.gz", content));
  CHECK(stored["kind"] == "tarball");
  CHECK(stored["id"] == "hello-2.12.tar.gz");
  CHECK(stored["size"] == content.size());
  auto kept = storage::read_blob(*farm.plan->store, stored["sha256"].get<std::string>(), 0, 100);
  REQUIRE(kept);
  CHECK(*kept == content.substr(0, 100));
}

TEST_CASE("api: names that climb, hide or break a line are refused before a byte is stored") {
  scripted_farm farm;
  for (auto name : {"", "..", ".", "a%2Fb", "..%2F..%2Fetc%2Fpasswd", "a%0Ab", "a%1B%5B2J", "%FF"})
    check_problem(farm.client.post("/api/v1/sources?name=" + std::string{name}, "x"), 400);
  check_problem(farm.client.post("/api/v1/sources?name=a.tar", ""), 400);
  std::lock_guard<std::mutex> hold{farm.plan->mutex};
  CHECK(farm.plan->store->commits() == 0);
  CHECK(farm.plan->uploads.empty());
}

TEST_CASE("api: an upload that breaks off is dropped") {
  scripted_farm farm;
  {
    raw_client client{farm.socket};
    client.send("POST /api/v1/sources?name=a.tar HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
                "\r\n"
                + std::string(600'000, 'z'));
    client.end_sending();
    client.read_all();
  }
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  uint64_t aborted = 0;
  while (aborted == 0 && std::chrono::steady_clock::now() < until) {
    REQUIRE(farm.client.get("/healthz")); // lets the farm work
    std::lock_guard<std::mutex> hold{farm.plan->mutex};
    aborted = farm.plan->aborted;
  }
  CHECK(aborted == 1);
}

TEST_CASE("api: a submission reaches the coordinator and its answer comes back") {
  scripted_farm farm;
  farm.plan->submission_answer = submitted{{3}, {{12}, {13}}};
  auto source = body_of(farm.client.post("/api/v1/sources?name=a.tar", "content"));
  json wanted{{"orders", json::array({json{{"builder", "check"}, {"source", source}}})},
              {"params", {{"A", "b"}}},
              {"by", "ann"},
              {"reason", "release"}};
  auto answer = body_of(farm.client.post("/api/v1/builds", wanted.dump()));
  CHECK(answer["id"] == "c3");
  CHECK(answer["builds"] == json::array({12, 13}));
  std::lock_guard<std::mutex> hold{farm.plan->mutex};
  REQUIRE(farm.plan->asked);
  CHECK(farm.plan->asked->orders[0].source.size == 7);
  CHECK(farm.plan->asked->by == "ann");
  CHECK(farm.plan->asked->because == "release");
}

TEST_CASE(
  "api: a submission of content that is not stored, or that the farm refuses, is an error") {
  scripted_farm farm;
  const auto unknown =
    R"({"orders":[{"builder":"check","source":{"kind":"tarball","id":"a","sha256":")"
    + std::string(64, '0') + "\"}}]}";
  check_problem(farm.client.post("/api/v1/builds", unknown), 400);
  farm.plan->submission_answer = failure{ec::not_found, "there is no builder 'x'"};
  check_problem(farm.client.post("/api/v1/builds", R"({"orders":[{"builder":"x"}]})"), 404);
  farm.plan->submission_answer = failure{ec::refused, "the store is full"};
  check_problem(farm.client.post("/api/v1/builds", R"({"orders":[{"builder":"x"}]})"), 403);
  check_problem(farm.client.post("/api/v1/builds", std::string(2 * 1024 * 1024, ' ')), 413);
}

TEST_CASE("api: a build shows the contract's fields, with the coordinator's view of now") {
  scripted_farm farm;
  put(*farm.plan, make_build(build_state::queued, result::none));
  farm.plan->waiting = {{{12}, build_state::waiting, "no host serves it", {"h1 is lost"}}};
  auto build = body_of(farm.client.get("/api/v1/builds/12"));
  CHECK(build["state"] == "waiting");
  CHECK(build["reason"] == "no host serves it");
  for (auto field :
       {"id", "builder", "state", "result", "reason", "source", "created_at", "started_at",
        "finished_at", "steps", "campaign", "host", "params", "requested_by", "artifacts"})
    CHECK(build.contains(field));
  auto attempt = build["steps"][0]["attempts"][0];
  for (auto field :
       {"number", "host", "epoch", "state", "result", "reason", "started_at", "finished_at"})
    CHECK(attempt.contains(field));
  auto list = body_of(farm.client.get("/api/v1/builds?state=waiting"));
  CHECK(list["builds"].size() == 1);
  CHECK_FALSE(list["builds"][0].contains("steps"));
  CHECK(body_of(farm.client.get("/api/v1/builds?state=running"))["builds"].empty());
  CHECK(body_of(farm.client.get("/api/v1/builds?builder=other"))["builds"].empty());
  auto why = body_of(farm.client.get("/api/v1/builds/12/why"));
  CHECK(why["reason"] == "build 12 of check waits: no host serves it");
  CHECK(why["evidence"][0] == "h1 is lost");
}

TEST_CASE("api: who waits for a build hears of its end") {
  scripted_farm farm;
  put(*farm.plan, make_build(build_state::running, result::none));
  farm.plan->on_wait = [plan = farm.plan.get()] {
    put(*plan, make_build(build_state::finished, result::success));
  };
  CHECK(body_of(farm.client.get("/api/v1/builds/12?wait=20"))["result"] == "success");
  check_problem(farm.client.post("/api/v1/builds/12/cancel", ""), 409);
}

TEST_CASE("api: cancelling says who and why") {
  scripted_farm farm;
  put(*farm.plan, make_build(build_state::running, result::none));
  auto answer = farm.client.post("/api/v1/builds/12/cancel?by=ann&reason=wrong%20tarball", "");
  REQUIRE(answer);
  CHECK(answer->status == 202);
  std::lock_guard<std::mutex> hold{farm.plan->mutex};
  REQUIRE(farm.plan->cancelled);
  CHECK(farm.plan->cancelled->by == "ann");
  CHECK(farm.plan->cancelled->reason == "wrong tarball");
}

TEST_CASE("api: a log streams byte-exact, by the step's name or index") {
  scripted_farm farm;
  auto file = make_build(build_state::finished, result::success);
  std::string bytes;
  for (int i = 0; i < 200'000; ++i)
    bytes += static_cast<char>(i * 7 % 256);
  file.steps[0].attempts[0].log_bytes = bytes.size();
  put(*farm.plan, file);
  for (size_t at = 0; at < bytes.size(); at += limits::log_chunk_bytes)
    put_log(*farm.plan, at, bytes.substr(at, limits::log_chunk_bytes));
  for (auto step : {"test", "0"}) {
    std::string got;
    auto answer = farm.client.get_to("/api/v1/builds/12/steps/" + std::string{step} + "/log",
                                     [&](std::string_view piece) {
                                       got += piece;
                                       return true;
                                     });
    REQUIRE(answer);
    CHECK(got == bytes);
    CHECK(answer->field("drover-log-complete") == "true");
    CHECK(answer->field("drover-log-attempt") == "1");
  }
  auto part = farm.client.get("/api/v1/builds/12/steps/test/log?offset=70000&limit=100");
  REQUIRE(part);
  CHECK(part->body == bytes.substr(70000, 100));
  CHECK(part->field("drover-log-offset") == "70000");
  CHECK(part->field("drover-log-size") == "200000");
  check_problem(farm.client.get("/api/v1/builds/12/steps/test/log?offset=200001"), 400);
  check_problem(farm.client.get("/api/v1/builds/12/steps/test/log?attempt=2"), 404);
  check_problem(farm.client.get("/api/v1/builds/12/steps/other/log"), 404);
}

TEST_CASE(
  "api: who waits for a log gets the next bytes, and at its end hears that it is complete") {
  scripted_farm farm;
  put(*farm.plan, make_build(build_state::running, result::none));
  put_log(*farm.plan, 0, "one\n");
  farm.plan->on_wait = [plan = farm.plan.get()] { put_log(*plan, 4, "two\n"); };
  auto grown = farm.client.get("/api/v1/builds/12/steps/test/log?offset=4&wait=20");
  REQUIRE(grown);
  CHECK(grown->body == "two\n");
  CHECK(grown->field("drover-log-complete") == "false");
  farm.plan->on_wait = [plan = farm.plan.get()] {
    auto over = make_build(build_state::finished, result::success);
    over.steps[0].attempts[0].log_bytes = 8;
    put(*plan, over);
  };
  auto ended = farm.client.get("/api/v1/builds/12/steps/test/log?offset=8&wait=20");
  REQUIRE(ended);
  CHECK(ended->body.empty());
  CHECK(ended->field("drover-log-complete") == "true");
}

TEST_CASE("api: artifacts are listed and fetched by their content") {
  scripted_farm farm;
  storage::blob_writer writer{*farm.plan->store};
  std::string content(2'500'000, 'r');
  REQUIRE_FALSE(writer.append(content));
  auto sha256 = writer.finish();
  REQUIRE(sha256);
  auto file = make_build(build_state::finished, result::success);
  file.build.artifacts = {{"out/a b.bin", *sha256, content.size()}};
  put(*farm.plan, file);
  auto list = body_of(farm.client.get("/api/v1/builds/12/artifacts"));
  CHECK(list["artifacts"][0]["path"] == "out/a b.bin");
  auto got = farm.client.get("/api/v1/builds/12/artifacts/out/a%20b.bin");
  REQUIRE(got);
  CHECK(got->body == content);
  CHECK(got->field("drover-sha256") == *sha256);
  check_problem(farm.client.get("/api/v1/builds/12/artifacts/out"), 404);
}

TEST_CASE("api: a campaign is a table of cells with reasons") {
  scripted_farm farm;
  put(*farm.plan, make_build(build_state::finished, result::failure));
  campaign_record campaign;
  campaign.id = {3};
  campaign.source = {source_kind::tarball, "a.tar", std::string(64, 'a'), "", 9};
  campaign.cells.resize(2);
  campaign.cells[0].builder = campaign.cells[1].builder = "check";
  campaign.cells[0].host = {"h1"};
  campaign.cells[0].build = {12};
  campaign.cells[1].host = {"h2"};
  campaign.cells[1].reason = "h2 has no gcc";
  storage::write_batch batch;
  storage::put_campaign(batch, campaign);
  REQUIRE_FALSE(farm.plan->store->commit(batch, storage::durability::synced));
  auto shown = body_of(farm.client.get("/api/v1/campaigns/c3"));
  CHECK(shown["id"] == "c3");
  CHECK(shown["state"] == "finished");
  CHECK(shown["result"] == "failure");
  CHECK(shown["cells"][0]["build"] == 12);
  CHECK(shown["cells"][1]["build"].is_null());
  CHECK(shown["cells"][1]["reason"] == "h2 has no gcc");
  auto list = body_of(farm.client.get("/api/v1/campaigns"));
  CHECK(list["campaigns"][0]["cells"] == 2);
  auto why = body_of(farm.client.get("/api/v1/campaigns/c3/why"));
  CHECK(why["id"] == "c3");
  CHECK(why["reason"].get<std::string>().find("campaign c3 of a.tar: 0 of 2 green, 1 red, 1 hole")
        == 0);
  CHECK(why["evidence"][1] == "check on h2 is not built: h2 has no gcc");
  check_problem(farm.client.get("/api/v1/campaigns/c4/why"), 404);
  check_problem(farm.client.get("/api/v1/campaigns/x/why"), 404);
}

TEST_CASE("api: hosts and actors are shown as the coordinator sees them") {
  scripted_farm farm;
  host_view host;
  host.record.name = {"h1"};
  host.record.facts = {{"os", "linux"}};
  host.record.slots = 2;
  host.state = host_state::up;
  host.slots_used = 1;
  farm.plan->hosts = {host};
  actor_entry actor;
  actor.node = "h1";
  actor.name = "step-12";
  farm.plan->actors = {actor};
  auto hosts = body_of(farm.client.get("/api/v1/hosts"))["hosts"];
  CHECK(hosts[0]["slots"] == json{{"total", 2}, {"used", 1}});
  for (auto field : {"name", "state", "reason", "facts", "health", "restarts", "last_seen_ms"})
    CHECK(hosts[0].contains(field));
  CHECK(body_of(farm.client.get("/api/v1/hosts/h1"))["name"] == "h1");
  CHECK(body_of(farm.client.get("/api/v1/hosts/h1/why"))["reason"].get<std::string>().find("1 of 2")
        != std::string::npos);
  auto actors = body_of(farm.client.get("/api/v1/actors?node=h1"))["actors"];
  for (auto field :
       {"node", "name", "kind", "parent", "state", "restarts", "uptime_ms", "activity"})
    CHECK(actors[0].contains(field));
}

TEST_CASE("api: without its coordinator the farm says 503 and lives") {
  scripted_farm farm;
  farm.stop_coordinator();
  check_problem(farm.client.get("/readyz"), 503);
  check_problem(farm.client.get("/api/v1/hosts"), 503);
  CHECK(body_of(farm.client.get("/healthz"))["status"] == "ok");
}

TEST_CASE("api: text that is not UTF-8 does not break the answer") {
  scripted_farm farm;
  auto file = make_build(build_state::finished, result::failure);
  file.build.reason = "a\xff"
                      "b";
  put(*farm.plan, file);
  CHECK(body_of(farm.client.get("/api/v1/builds/12"))["reason"]
        == "a\xEF\xBF\xBD"
           "b");
}
