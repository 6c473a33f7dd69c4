// What signed-in people may do by forms, and what nobody can make their browsers do.
// SPDX-License-Identifier: Apache-2.0
#include "tests/http/web_farm.hpp"

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;

namespace {

/// Everything that a form can ask for, with what it needs.
struct order_form {
  std::string path;
  std::map<std::string, std::string> fields;
};

std::vector<order_form> all_orders() {
  return {{"/builders/check/force", {{"reason", "why"}}},
          {"/builds/1/cancel", {{"reason", "why"}}},
          {"/builds/2/retry", {{"reason", "why"}}},
          {"/hosts/h1/order", {{"reason", "why"}, {"action", "drain"}}}};
}

void add_builds(web_farm& web) {
  web.put_build(1, "check", build_state::running);
  web.put_build(2, "check-more", build_state::finished);
  web.put_build(3, "docs", build_state::running);
  web.put_build(4, "docs", build_state::finished);
  std::lock_guard<std::mutex> hold{web.farm.plan->mutex};
  web.farm.plan->submission_answer = submitted{{0}, {{7}}};
}

bool was_anything_ordered(web_farm& web) {
  std::lock_guard<std::mutex> hold{web.farm.plan->mutex};
  auto& plan = *web.farm.plan;
  return plan.asked || plan.cancelled || plan.retried || plan.ordered;
}

} // namespace

TEST_CASE("control: forms do what they say, in the account's name") {
  web_farm web;
  add_builds(web);
  auto root = web.signed_in("root");
  for (const auto& order : all_orders()) {
    INFO(order.path);
    CHECK(root.post(order.path, order.fields).status == 303);
  }
  std::lock_guard<std::mutex> hold{web.farm.plan->mutex};
  auto& plan = *web.farm.plan;
  REQUIRE((plan.asked && plan.cancelled && plan.retried && plan.ordered));
  CHECK(plan.asked->by == "root");
  CHECK(plan.asked->because == "why");
  CHECK(plan.asked->orders.at(0).builder == "check");
  CHECK(plan.asked->params.empty()); // as the builder says: nothing was typed
  CHECK(plan.cancelled->by == "root");
  CHECK(plan.cancelled->reason == "why");
  CHECK(plan.retried->build == build_id{2});
  CHECK(plan.ordered->action == host_action::drain);
  CHECK(plan.ordered->reason == "why");
}

TEST_CASE("control: without the session's own token nothing is done") {
  web_farm web;
  add_builds(web);
  auto root = web.signed_in("root"), ann = web.signed_in("ann");
  auto own = root.csrf;
  for (const auto& token : {std::string{}, std::string{"x"}, ann.csrf, own + "x", own.substr(1),
                            std::string(43, 'A')}) {
    root.csrf = token;
    for (const auto& order : all_orders()) {
      INFO(order.path << " " << token);
      CHECK(root.post(order.path, order.fields).status == 403);
    }
    CHECK(root.post("/logout", {}).status == 403);
  }
  CHECK_FALSE(was_anything_ordered(web));
  root.csrf = own;
  CHECK(root.get("/").has("Sign out"));
}

TEST_CASE("control: with the right token from another site nothing is done") {
  web_farm web;
  add_builds(web);
  auto root = web.signed_in("root");
  for (const std::string origin :
       {"https://evil.example", "null", "", "http://127.0.0.1:1", "http://localhost"}) {
    root.origin = origin;
    for (const auto& order : all_orders()) {
      INFO(order.path << " from " << origin);
      CHECK(root.post(order.path, order.fields).status == 403);
    }
  }
  CHECK_FALSE(was_anything_ordered(web));
}

TEST_CASE("control: without a session nothing is done, and one is led to the way in") {
  web_farm web;
  add_builds(web);
  browser guest{web.port};
  for (const auto& order : all_orders()) {
    auto said = guest.post(order.path, order.fields);
    CHECK(said.status == 403);
    CHECK(said.has("name=\"password\""));
  }
  CHECK_FALSE(was_anything_ordered(web));
}

TEST_CASE("control: GET changes nothing, and a cookie alone opens no order of the API") {
  web_farm web;
  add_builds(web);
  auto root = web.signed_in("root");
  for (const auto& order : all_orders()) {
    auto said = root.get(order.path + "?reason=why&action=drain&csrf=" + root.csrf);
    CHECK(said.status == 303); // back to the page
    CHECK(root.post("/api/v1" + order.path, order.fields).status == 405);
  }
  CHECK(root.get("/logout?csrf=" + root.csrf).status == 404);
  CHECK_FALSE(was_anything_ordered(web));
  for (const auto* secret : {"/api/v1/users", "/api/v1/tokens", "/api/v1/config"})
    CHECK(root.get(secret).status == 404);
}

TEST_CASE("control: what the pages show is in the API of the same door") {
  web_farm web;
  browser guest{web.port};
  for (const auto* shown : {"builds", "builders", "campaigns", "hosts", "actors", "changes",
                            "events", "tests?name=a"}) {
    INFO(shown);
    CHECK(guest.get(std::string{"/api/v1/"} + shown).status == 200);
  }
  web.configure({{"root", {"admin"}}});
  CHECK(guest.get("/api/v1/tests?name=a").status == 401);
}

TEST_CASE("control: force is for the builders that the account has, on pages and behind them") {
  web_farm web;
  add_builds(web);
  auto ann = web.signed_in("ann");
  CHECK(ann.get("/builders/check").has("action=\"/builders/check/force\""));
  CHECK_FALSE(ann.get("/builders/docs").has("/force\""));
  CHECK(ann.get("/builders/docs").has("Your account may not"));
  CHECK(ann.get("/builds/1").has("/builds/1/cancel"));
  CHECK_FALSE(ann.get("/builds/3").has("/builds/3/cancel"));
  CHECK(ann.get("/builds/2").has("/builds/2/retry"));
  CHECK_FALSE(ann.get("/builds/4").has("/builds/4/retry"));
  for (const std::string path : {"/builders/docs/force", "/builds/3/cancel", "/builds/4/retry"}) {
    auto said = ann.post(path, {{"reason", "why"}});
    INFO(path << said.body);
    CHECK(said.status == 403);
    CHECK(said.has("not for builder docs"));
  }
  CHECK(ann.post("/hosts/h1/order", {{"reason", "why"}, {"action", "drain"}}).status == 404);
  CHECK_FALSE(was_anything_ordered(web));
  for (const auto* path : {"/builders/check-more/force", "/builds/1/cancel", "/builds/2/retry"})
    CHECK(ann.post(path, {{"reason", "why"}}).status == 303);
}

TEST_CASE("control: buttons are for who may press them, others see the way in") {
  web_farm web;
  add_builds(web);
  browser guest{web.port};
  for (const auto* page : {"/builders/check", "/builds/1", "/builds/2"}) {
    auto said = guest.get(page);
    INFO(page << said.body);
    CHECK(said.status == 200);
    CHECK_FALSE(said.has("name=\"reason\""));
    CHECK(said.has("/login?next=" + percent_encode(page)));
  }
}

TEST_CASE("control: what rights say counts at once, not when one signed in") {
  web_farm web;
  add_builds(web);
  auto ann = web.signed_in("ann");
  web.configure({{"anyone", {"view"}}});
  CHECK(ann.post("/builds/1/cancel", {{"reason", "why"}}).status == 403);
  CHECK_FALSE(was_anything_ordered(web));
}

TEST_CASE("control: a form that is refused comes back with what was typed") {
  web_farm web;
  add_builds(web);
  auto root = web.signed_in("root");
  auto nothing_said = root.post("/builders/check/force", {{"p.flags", "-O3 \"x\""}});
  CHECK(nothing_said.status == 400);
  CHECK(nothing_said.has("value=\"-O3 &quot;x&quot;\""));
  CHECK(nothing_said.has("role=\"alert\""));
  {
    std::lock_guard<std::mutex> hold{web.farm.plan->mutex};
    web.farm.plan->submission_answer = failure{ec::conflict, "the queue is full"};
  }
  auto refused =
    root.post("/builders/check/force", {{"p.flags", "-O3"}, {"reason", "because <b>"}});
  CHECK(refused.status == 409);
  CHECK(refused.has("the queue is full"));
  CHECK(refused.has("value=\"-O3\""));
  CHECK(refused.has("value=\"because &lt;b&gt;\""));
  std::lock_guard<std::mutex> hold{web.farm.plan->mutex};
  CHECK(web.farm.plan->asked->params == string_map{{"flags", "-O3"}});
}

TEST_CASE("control: broken forms are refused in one sentence") {
  web_farm web;
  auto root = web.signed_in("root");
  for (const std::string body : {"a=%", "a=1&a=2", "reason=%00"}) {
    raw_client client{web.port};
    client.send(root.head("POST /builders/check/force") + "Connection: close\r\nOrigin: "
                + root.origin + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(client.read_all().find(" 400 ") != std::string::npos);
  }
  raw_client json{web.port};
  json.send(root.head("POST /builders/check/force") + "Connection: close\r\nOrigin: " + root.origin
            + "\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
  CHECK(json.read_all().find(" 400 ") != std::string::npos);
  CHECK_FALSE(was_anything_ordered(web));
}

TEST_CASE("control: a builder of several sources shows them all, and the changes of each") {
  web_farm web;
  web.put_change(1, "candidates", "an older candidate");
  web.put_change(2, "trunk", "a fix on the trunk");
  web.put_change(3, "elsewhere", "nobody asked for this");
  web.put_change(4, "candidates", "a newer candidate");
  auto page = web.signed_in("root").get("/builders/check-more");
  CHECK(page.has("trunk, candidates"));
  CHECK_FALSE(page.has("nobody asked for this"));
  auto newer = page.body.find("a newer candidate"), trunk = page.body.find("a fix on the trunk"),
       older = page.body.find("an older candidate");
  REQUIRE(newer != std::string::npos);
  REQUIRE(trunk != std::string::npos);
  REQUIRE(older != std::string::npos);
  CHECK(newer < trunk);
  CHECK(trunk < older);
}
