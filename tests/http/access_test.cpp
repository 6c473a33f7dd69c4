// Who may do what: roles, tokens, and whose name an order bears.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits_api.hpp"
#include "storage/hex.hpp"
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <set>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;
using tree = nlohmann::json;

namespace {

struct said {
  std::string status;
  tree body;
  std::string head;
};

/// One request over TCP, with a token or without.
said ask_tcp(scripted_farm& farm, const std::string& line, const std::string& token,
             const std::string& body = "") {
  raw_client client{farm.port};
  auto text = line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
              + std::to_string(body.size()) + "\r\n";
  if (!token.empty())
    text += "Authorization: Bearer " + token + "\r\n";
  client.send(text + "\r\n" + body);
  auto answer = client.read_all();
  auto end = answer.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  auto content = answer.substr(end + 4);
  INFO(answer);
  return {answer.substr(9, 3), tree::parse(content, nullptr, false), answer.substr(0, end)};
}

/// A new token with that role.
std::string token_of(scripted_farm& farm, const std::string& role, tree more = tree::object()) {
  tree wanted{{"name", role + "er"}, {"role", role}};
  wanted.update(more);
  auto made = farm.client.post("/api/v1/tokens", wanted.dump());
  REQUIRE(made);
  INFO(made->body);
  REQUIRE(made->status == 201);
  return tree::parse(made->body).at("token");
}

std::string path_of(const route& each) {
  std::string out = "/";
  for (char c : each.pattern)
    out += c == '*' ? "1" : std::string(1, c);
  return out;
}

bool is_refused(const said& answer) {
  return answer.status == "401" || answer.status == "403";
}

} // namespace

TEST_CASE("access: each route is for the role that its row names, and for those above it") {
  scripted_farm farm;
  std::map<role, std::string> tokens{{role::anyone, ""}};
  for (auto each : {role::view, role::force, role::admin})
    tokens[each] = token_of(farm, std::string{to_string(each)});
  std::set<std::pair<std::string_view, std::string_view>> rows;
  for (const auto& each : all_routes()) {
    CHECK(rows.emplace(each.method, each.pattern).second);
    if (each.pattern == "api/v1/events/stream")
      continue; // its answer has no end
    for (const auto& [has, token] : tokens) {
      auto answer = ask_tcp(farm, std::string{each.method} + " " + path_of(each), token);
      INFO(each.method << " " << each.pattern << " as " << to_string(has) << ": " << answer.status);
      CHECK(is_refused(answer) == (has < each.needs));
      if (!is_refused(answer))
        continue;
      CHECK(answer.head.find("application/problem+json") != std::string::npos);
      auto detail = answer.body.at("detail").get<std::string>();
      CHECK(detail.find(std::string{to_string(each.needs)}) != std::string::npos);
      CHECK(answer.status == (has == role::anyone ? "401" : "403"));
    }
  }
}

TEST_CASE("access: GET changes nothing, so that no link can do harm") {
  for (const auto& each : all_routes()) {
    INFO(each.pattern);
    if (each.method == "GET")
      CHECK(each.needs != role::force);
    else
      CHECK(each.needs >= role::force);
  }
}

TEST_CASE("access: without a token nobody learns what is there, but whether the farm lives") {
  scripted_farm farm;
  for (auto line :
       {"GET /api/v1/", "GET /nothing", "PUT /api/v1/builds", "GET /api/v1/builds/99"}) {
    auto answer = ask_tcp(farm, line, "");
    INFO(line);
    CHECK(answer.status == "401");
    CHECK(answer.head.find("WWW-Authenticate: Bearer") != std::string::npos);
  }
  CHECK(ask_tcp(farm, "GET /healthz", "").status == "200");
  CHECK(ask_tcp(farm, "GET /readyz", "").status == "200");
}

TEST_CASE("access: the token of the file is an admin's, by the name of its file") {
  scripted_farm farm;
  auto made = ask_tcp(farm, "POST /api/v1/tokens", scripted_farm::owner_token,
                      R"({"name": "ann", "role": "view"})");
  CHECK(made.status == "201");
  CHECK(made.body["made_by"] == "token-file");
}

TEST_CASE("access: a token is random, kept as a digest, and shown once") {
  scripted_farm farm;
  std::set<std::string> seen;
  for (int round = 0; round < 20; ++round) {
    auto token = token_of(farm, "view");
    CHECK(token.size() == 47); // drv_ and 43 characters of base64url
    CHECK(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
      == std::string::npos);
    CHECK(seen.insert(token).second);
  }
  auto list = farm.client.get("/api/v1/tokens");
  REQUIRE(list);
  auto tokens = tree::parse(list->body).at("tokens");
  CHECK(tokens.size() == 20);
  std::set<std::string> ids;
  for (const auto& each : tokens)
    CHECK(ids.insert(each.at("id")).second);
  for (const auto& token : seen) {
    CHECK(list->body.find(token) == std::string::npos);
    auto kept = storage::find_token(*farm.plan->store, digest_of_token(token));
    REQUIRE(kept);
    CHECK(kept->has_value());
  }
}

TEST_CASE("access: wrong descriptions of tokens are refused in one sentence") {
  scripted_farm farm;
  for (auto text : {"", "[]", "{}", R"({"name":"ann"})", R"({"name":"ann","role":"king"})",
                    R"({"name":"a b","role":"view"})", R"({"name":"ann","role":"view","x":1})",
                    R"({"name":7,"role":"view"})", R"({"name":"ann","role":"view","expires_in":0})",
                    R"({"name":"ann","role":"view","expires_in":-1})",
                    R"({"name":"ann","role":"view","expires_in":"1d"})"}) {
    auto answer = farm.client.post("/api/v1/tokens", text);
    REQUIRE(answer);
    INFO(text << answer->body);
    CHECK(answer->status == 400);
  }
  auto tokens = storage::read_tokens(*farm.plan->store);
  REQUIRE(tokens);
  CHECK(tokens->empty());
}

TEST_CASE("access: a revoked token, an expired one and a guess are told the same") {
  scripted_farm farm;
  auto revoked = token_of(farm, "admin");
  auto expiring = token_of(farm, "view", {{"expires_in", 60}});
  CHECK(ask_tcp(farm, "GET /api/v1/", expiring).status == "200");
  auto tokens = tree::parse(farm.client.get("/api/v1/tokens")->body).at("tokens");
  auto gone = ask_tcp(farm, "DELETE /api/v1/tokens/" + tokens[0].at("id").get<std::string>(),
                      scripted_farm::owner_token);
  auto second = tokens[0].at("role") == "admin"
                  ? gone
                  : ask_tcp(farm, "DELETE /api/v1/tokens/" + tokens[1].at("id").get<std::string>(),
                            scripted_farm::owner_token);
  CHECK(second.status == "202");
  farm.plan->now_ms += 61'000;
  auto guess = ask_tcp(farm, "GET /api/v1/", "drv_" + std::string(43, 'a'));
  CHECK(guess.status == "401");
  for (const auto& token : {revoked, expiring}) {
    auto answer = ask_tcp(farm, "GET /api/v1/", token);
    CHECK(answer.status == "401");
    CHECK(answer.body == guess.body);
  }
  CHECK(ask_tcp(farm, "DELETE /api/v1/tokens/nothing", scripted_farm::owner_token).status == "404");
}

TEST_CASE("access: ten thousand guesses get nowhere, and the farm answers on") {
  scripted_farm farm;
  auto token = token_of(farm, "view");
  for (int each = 0; each < 100; ++each) {
    raw_client client{farm.port};
    std::string tries;
    for (int guess = 0; guess < 100; ++guess)
      tries += "GET /api/v1/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer drv_"
               + std::to_string(each * 100 + guess) + "\r\n\r\n";
    client.send(tries);
    client.end_sending();
    auto answers = client.read_all();
    REQUIRE(answers.find("200 OK") == std::string::npos);
    REQUIRE(answers.find("401 Unauthorized") != std::string::npos);
  }
  CHECK(ask_tcp(farm, "GET /api/v1/", token).status == "200");
}

TEST_CASE("access: over the socket an order bears the user's name, or whom the owner names") {
  scripted_farm farm;
  auto ordered_by = [&] {
    std::lock_guard<std::mutex> hold{farm.plan->mutex};
    return farm.plan->ordered.value_or(host_order{}).by;
  };
  REQUIRE(farm.client.post("/api/v1/hosts/h1/drain?reason=new%20disk", ""));
  auto me =
    who_asks(request{"GET", "/", {}, {}, {}, {::geteuid(), {}}, {}}, {*farm.plan->store, {}, {}});
  REQUIRE(me);
  CHECK(ordered_by() == me->name);
  CHECK(me->may == role::admin);
  REQUIRE(farm.client.post("/api/v1/hosts/h1/drain?by=ann", ""));
  CHECK(ordered_by() == "ann");
  // Another user of this machine speaks for nobody else.
  auto other = who_asks(request{"GET", "/", {}, {}, {}, {::geteuid() + 4242, {}}, {}},
                        {*farm.plan->store, {}, {}});
  REQUIRE(other);
  CHECK_FALSE(other->speaks_for_others);
}

TEST_CASE("access: over TCP an order bears the token's name, whatever it says") {
  scripted_farm farm;
  auto token = token_of(farm, "admin");
  CHECK(ask_tcp(farm, "POST /api/v1/hosts/h1/pause?by=ann&for=60", token).status == "202");
  std::lock_guard<std::mutex> hold{farm.plan->mutex};
  REQUIRE(farm.plan->ordered);
  CHECK(farm.plan->ordered->by == "adminer");
  CHECK(farm.plan->ordered->action == host_action::pause);
  CHECK(farm.plan->ordered->lasting == milliseconds{60'000});
}

TEST_CASE("access: a token over the socket counts less than its user only where it is given") {
  scripted_farm farm;
  auto token = token_of(farm, "view");
  raw_client client{farm.socket};
  client.send(
    "GET /api/v1/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token
    + "\r\n\r\n");
  CHECK(client.read_all().find("403 Forbidden") != std::string::npos);
}

TEST_CASE("access: making and revoking tokens is in the journal, with who and why") {
  scripted_farm farm;
  token_of(farm, "view");
  auto id = tree::parse(farm.client.get("/api/v1/tokens")->body)["tokens"][0]["id"];
  auto gone = ask_tcp(farm, "DELETE /api/v1/tokens/" + id.get<std::string>() + "?reason=lost",
                      scripted_farm::owner_token);
  CHECK(gone.status == "202");
  auto events = tree::parse(farm.client.get("/api/v1/events?kind=token_changed")->body)["events"];
  REQUIRE(events.size() == 2);
  CHECK(events[1]["by"] == "token-file");
  CHECK(events[1]["text"].get<std::string>().find("lost") != std::string::npos);
  auto by = tree::parse(farm.client.get("/api/v1/events?by=token-file")->body)["events"];
  CHECK(by.size() == 1);
}
