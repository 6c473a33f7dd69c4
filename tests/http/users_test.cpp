// Accounts by the API: made, listed, given another password, removed.
// SPDX-License-Identifier: Apache-2.0
#include "tests/http/web_farm.hpp"

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;

TEST_CASE("users: accounts and what the configuration says of them are one list") {
  web_farm web;
  web.add_user("zoe");
  auto said = web.farm.client.get("/api/v1/users");
  REQUIRE(said);
  auto users = tree::parse(said->body)["users"];
  REQUIRE(users.size() == 4);
  CHECK(users[0]["name"] == "ann");
  CHECK(users[0]["account"] == true);
  CHECK(users[0]["roles"] == tree::array({"force"}));
  CHECK(users[0]["builders"] == tree::array({"check*"}));
  CHECK(users[1]["name"] == "anyone");
  CHECK(users[1]["account"] == false);
  CHECK(users[3]["name"] == "zoe");
  CHECK(users[3]["roles"].empty());
  CHECK(said->body.find("argon2") == std::string::npos);
}

TEST_CASE("users: a password is kept as argon2id with a salt of its own") {
  web_farm web;
  auto ann = storage::find_user(*web.farm.plan->store, "ann");
  auto root = storage::find_user(*web.farm.plan->store, "root");
  REQUIRE((ann && *ann && root && *root));
  CHECK((*ann)->password.find("$argon2id$v=19$") == 0);
  CHECK((*ann)->password != (*root)->password);
}

TEST_CASE("users: wrong descriptions are refused in one sentence") {
  web_farm web;
  for (auto text : {"", "[]", "{}", R"({"name":"dan"})", R"({"name":"dan","password":"short"})",
                    R"({"name":"a b","password":"long enough"})",
                    R"({"name":"anyone","password":"long enough"})",
                    R"({"name":"dan","password":"long enough","x":"y"})",
                    R"({"name":"dan","password":"two\nlines of it"})", R"({"name":7})"}) {
    auto answer = web.farm.client.post("/api/v1/users", text);
    REQUIRE(answer);
    INFO(text << answer->body);
    CHECK(answer->status == 400);
  }
  CHECK(web.farm.client.post("/api/v1/users", R"({"name":"ann","password":"long enough"})")->status
        == 409);
  CHECK(web.farm.client.post("/api/v1/users/dan/password", R"({"password":"long enough"})")->status
        == 404);
  CHECK(web.farm.client.remove("/api/v1/users/dan")->status == 404);
  CHECK(storage::read_users(*web.farm.plan->store)->size() == 2);
}

TEST_CASE(
  "users: what is done with accounts is in the journal, with who and why, without secrets") {
  web_farm web;
  CHECK(web.farm.client.post("/api/v1/users?by=cleo&reason=new%20here",
                             R"({"name":"dan","password":"a secret word"})"));
  CHECK(
    web.farm.client.post("/api/v1/users/dan/password?by=cleo", R"({"password":"another secret"})"));
  CHECK(web.farm.client.remove("/api/v1/users/dan?by=cleo&reason=left"));
  auto events = web.events("kind=user_changed&by=cleo");
  REQUIRE(events.size() == 3);
  CHECK(events[0]["text"] == "account dan was made: new here");
  CHECK(events[2]["text"] == "account dan was removed: left");
  CHECK(events.dump().find("secret") == std::string::npos);
}
