// Signing in and out: sessions, guesses, names that are not there, viewing that is closed.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_access.hpp"
#include "tests/http/web_farm.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <unistd.h>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;

namespace {

/// The page with what was typed taken out.
std::string without(std::string page, const std::string& typed) {
  for (auto at = page.find(typed); at != std::string::npos; at = page.find(typed))
    page.erase(at, typed.size());
  return page;
}

std::string value_of(const std::string& cookie) {
  return cookie.substr(cookie.find('=') + 1);
}

void put_ann(scripted_farm& farm, int64_t changed_at) {
  storage::write_batch batch;
  storage::put_user(batch, {"ann", "x", "root", {1}, {changed_at}});
  farm.commit(std::move(batch));
}

/// All passwords fit, and something happens while they are worked with.
password_keeper_actor slow_passwords(scripted_farm& farm, std::function<void()> meanwhile) {
  auto run = [meanwhile](password_keeper_actor::pointer) -> password_keeper_actor::behavior_type {
    return {
      [meanwhile](const hash_password&) -> expected<std::string> {
        meanwhile();
        return std::string{"hashed"};
      },
      [meanwhile](const check_password&) -> expected<bool> {
        meanwhile();
        return true;
      },
      [](atom::describe) { return actor_entry{}; },
    };
  };
  return farm.system().spawn<caf::detached>(run);
}

class one_body : public body_reader {
public:
  asio::awaitable<std::string> read() override { co_return std::exchange(text_, {}); }

private:
  std::string text_ = R"({"password":"long enough"})";
};

size_t sessions_in(const web_farm& web) {
  auto all = storage::read_sessions(*web.farm.plan->store);
  REQUIRE(all);
  return all->size();
}

} // namespace

TEST_CASE("sign-in: the right password makes a session, which the store knows by digest alone") {
  web_farm web;
  browser ann{web.port};
  CHECK(ann.get("/builds").has("Sign in"));
  auto said = ann.post("/login", {{"name", "ann"}, {"password", web.password}, {"next", "/hosts"}});
  CHECK(said.status == 303);
  CHECK(said.field("Location") == "/hosts");
  auto set = said.field("Set-Cookie");
  CHECK(set.find("drover-" + std::to_string(web.port) + "=") == 0);
  CHECK(set.find("; HttpOnly; SameSite=Lax") != std::string::npos);
  CHECK(set.find("Secure") == std::string::npos);
  auto page = ann.get("/builds");
  CHECK(page.has("Sign out"));
  CHECK(page.has(">ann<"));
  auto sessions = storage::read_sessions(*web.farm.plan->store);
  REQUIRE(sessions);
  REQUIRE(sessions->size() == 1);
  CHECK(sessions->front().sha256 == digest_of_token(value_of(ann.cookie)));
  CHECK(web.events("kind=signed_in")[0]["by"] == "ann");
}

TEST_CASE("sign-in: over TLS the cookie is secure and this host's alone") {
  web_farm web;
  browser ann{web.port};
  ann.more = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.1.2.3\r\n";
  ann.origin = "https://" + ann.host();
  auto set = ann.sign_in("ann", web.password).field("Set-Cookie");
  CHECK(set.find("__Host-drover=") == 0);
  CHECK(set.find("; Secure") != std::string::npos);
  CHECK(ann.get("/").has("Sign out"));
  // The same session is not taken where the way is another.
  ann.more.clear();
  CHECK_FALSE(ann.get("/").has("Sign out"));
}

TEST_CASE(
  "sign-in: a session that somebody else chose is not taken, and each sign-in has its own") {
  web_farm web;
  browser ann{web.port};
  auto name = "drover-" + std::to_string(web.port);
  ann.cookie = name + "=" + std::string(43, 'A');
  CHECK(ann.sign_in("ann", web.password).status == 303);
  auto first = ann.cookie;
  CHECK(value_of(first) != std::string(43, 'A'));
  CHECK(value_of(first).size() == 43);
  CHECK(ann.sign_in("ann", web.password).status == 303);
  CHECK(ann.cookie != first);
  browser thief{web.port};
  for (const auto& stolen : {first, name + "=" + std::string(43, 'A')}) {
    thief.cookie = stolen;
    CHECK_FALSE(thief.get("/").has("Sign out"));
  }
  CHECK(sessions_in(web) == 1);
}

TEST_CASE("sign-in: a form from another site signs nobody in") {
  web_farm web;
  browser ann{web.port};
  for (const std::string origin : {"https://evil.example", "null", ""}) {
    ann.origin = origin;
    auto said = ann.post("/login", {{"name", "ann"}, {"password", web.password}});
    CHECK(said.status == 403);
    CHECK(said.field("Set-Cookie").empty());
  }
  CHECK(sessions_in(web) == 0);
}

TEST_CASE("sign-in: a name that is not there and a wrong password are told the same, after the "
          "same work") {
  web_farm web;
  const auto& done = *web.farm.passwords().done;
  browser one{web.port, "10.0.0.1"}, two{web.port, "10.0.0.2"};
  one.sign_in("nobody", "x"); // makes what those of nobody are compared with
  auto before = done.load();
  auto wrong = one.sign_in("ann", "wrong password");
  auto between = done.load();
  auto nobody = two.sign_in("zoe", "wrong password");
  CHECK(between - before == 1);
  CHECK(done.load() - between == 1);
  CHECK(wrong.status == 403);
  CHECK(nobody.status == 403);
  CHECK(without(wrong.body, "ann") == without(nobody.body, "zoe"));
  CHECK(wrong.body.find("wrong password\"") == std::string::npos); // passwords don't come back
  for (const auto& name :
       std::vector<std::string>{"anyone", "a b", "../x", std::string(500, 'n')}) {
    browser other{web.port, "10.0.1." + std::to_string(name.size() % 250)};
    CHECK(other.sign_in(name, web.password).status == 403);
  }
}

TEST_CASE("sign-in: ten thousand guesses get nowhere, cost little work and leave a bounded trace") {
  web_farm web;
  auto before = web.farm.passwords().done->load();
  size_t waited = 0;
  for (int each = 0; each < 10'000; ++each) {
    browser guesser{web.port, "10.0.0." + std::to_string(each % 200)};
    auto said = guesser.post("/login", {{"name", "ann"}, {"password", std::to_string(each)}});
    REQUIRE((said.status == 403 || said.status == 429));
    waited += said.status == 429 ? 1 : 0;
    if (said.status == 429)
      REQUIRE(std::stoi(said.field("Retry-After")) >= 1);
    web.farm.plan->now_ms += 20; // 50 a second
  }
  CHECK(web.farm.passwords().done->load() - before < 30);
  CHECK(waited > 9'900);
  CHECK(web.events("kind=signed_in&limit=500").size() <= 5 * limits::sign_in_refusals_told);
  // The account itself is kept out for no longer than a short pause.
  web.farm.plan->now_ms += limits::sign_in_account_pause_max.count();
  browser ann{web.port, "10.7.7.7"};
  CHECK(ann.sign_in("ann", web.password).status == 303);
}

TEST_CASE(
  "sign-in: with too many at the door one is told to try again, and it counts for nothing") {
  web_farm web;
  browser ann{web.port, "10.0.0.1"};
  *web.farm.passwords().waiting = limits::password_work_max;
  for (uint32_t each = 0; each < 2 * limits::sign_in_free_tries; ++each)
    CHECK(ann.sign_in("ann", web.password).status == 503);
  *web.farm.passwords().waiting = 0;
  CHECK(ann.sign_in("ann", web.password).status == 303);
}

TEST_CASE("sign-in: a session ends by signing out, by idling, and by its age") {
  web_farm web;
  auto ann = web.signed_in("ann");
  auto cookie = ann.cookie;
  CHECK(ann.post("/logout", {}).status == 303);
  ann.cookie = cookie;
  CHECK_FALSE(ann.get("/").has("Sign out"));

  auto idle = web.signed_in("ann");
  web.farm.plan->now_ms += limits::session_idle_max.count() - 1000;
  CHECK(idle.get("/").has("Sign out"));
  web.farm.plan->now_ms += limits::session_idle_max.count() - 1000; // since it was used last
  CHECK(idle.get("/").has("Sign out"));
  web.farm.plan->now_ms += limits::session_idle_max.count();
  CHECK_FALSE(idle.get("/").has("Sign out"));

  auto busy = web.signed_in("ann");
  auto end = web.farm.plan->now_ms + limits::session_life_max.count();
  while (web.farm.plan->now_ms + 3'600'000 * 12 < end) {
    web.farm.plan->now_ms += 3'600'000 * 12;
    REQUIRE(busy.get("/").has("Sign out"));
  }
  web.farm.plan->now_ms = end;
  CHECK_FALSE(busy.get("/").has("Sign out"));
}

TEST_CASE("sign-in: another password or no account ends all sessions at once") {
  web_farm web;
  auto one = web.signed_in("ann"), two = web.signed_in("ann"), root = web.signed_in("root");
  auto changed = web.farm.client.post("/api/v1/users/ann/password?reason=lost",
                                      R"({"password": "another horse"})");
  REQUIRE(changed);
  CHECK(changed->status == 202);
  CHECK(changed->body.find("2 sessions ended") != std::string::npos);
  CHECK_FALSE(one.get("/").has("Sign out"));
  CHECK_FALSE(two.get("/").has("Sign out"));
  CHECK(root.get("/").has("Sign out"));
  CHECK(browser{web.port}.sign_in("ann", web.password).status == 403);
  CHECK(browser{web.port}.sign_in("ann", "another horse").status == 303);
  CHECK(web.farm.client.remove("/api/v1/users/root")->status == 202);
  CHECK_FALSE(root.get("/").has("Sign out"));
}

TEST_CASE("sign-in: one account has a bounded number of sessions, the oldest go") {
  web_farm web;
  auto first = web.signed_in("ann");
  for (size_t each = 0; each < limits::sessions_of_user_max; ++each) {
    web.farm.plan->now_ms += 1000;
    web.signed_in("ann");
  }
  CHECK(sessions_in(web) == limits::sessions_of_user_max);
  CHECK_FALSE(first.get("/").has("Sign out"));
}

TEST_CASE("sign-in: where viewing is closed, nothing but the way in is to be seen") {
  web_farm web;
  web.configure({{"ann", {"force"}, {"check*"}}});
  browser guest{web.port};
  for (const std::string page : {"/", "/builds", "/builds/1", "/hosts", "/events", "/actors",
                                 "/nonsense", "/builds/1/steps/x/log.txt"}) {
    auto said = guest.get(page);
    INFO(page);
    CHECK(said.status == 303);
    CHECK(said.field("Location").find("/login") == 0);
  }
  for (const std::string part : {"/", "/builds", "/hosts", "/events", "/events/stream",
                                 "/openapi.json", "/builders/check"}) {
    INFO(part);
    CHECK(guest.get("/api/v1" + part).status == 401);
  }
  CHECK(guest.get("/login").status == 200);
  CHECK_FALSE(guest.get("/login").has("/actors"));
  CHECK(guest.get("/api/v1/healthz").status == 200);
  auto ann = web.signed_in("ann");
  CHECK(ann.get("/builds").status == 200);
  CHECK(ann.get("/api/v1/builds").status == 200);
  // An account that the configuration does not know may sign in, and see nothing.
  web.add_user("zoe");
  browser zoe{web.port};
  CHECK(zoe.sign_in("zoe", web.password).status == 303);
  CHECK(zoe.get("/builds").status == 403);
  CHECK(zoe.get("/api/v1/builds").status == 403);
}

TEST_CASE("sign-in: streams end with what one may see") {
  web_farm web;
  auto ann = web.signed_in("ann");
  browser guest{web.port};
  raw_client of_ann{web.port}, of_guest{web.port};
  for (auto* each : {&of_ann, &of_guest}) {
    each->send((each == &of_ann ? ann : guest).head("GET /api/v1/events/stream")
               + "Connection: close\r\n\r\n");
    REQUIRE(each->read_until("retry: 2000").find("200 OK") != std::string::npos);
  }
  web.configure({{"ann", {"view"}}});
  web.happen();
  of_guest.read_all();
  CHECK(of_guest.closed);
  // Ann had the role force when her stream began, and has it no more.
  of_ann.read_all();
  CHECK(of_ann.closed);

  raw_client again{web.port};
  again.send(ann.head("GET /api/v1/events/stream") + "Connection: close\r\n\r\n");
  REQUIRE(again.read_until("retry: 2000").find("200 OK") != std::string::npos);
  CHECK(ann.post("/logout", {}).status == 303);
  again.read_all();
  CHECK(again.closed);
}

TEST_CASE("sign-in: the address is the proxy's word, also where it adds a field of its own") {
  web_farm web;
  browser ann{web.port};
  ann.more = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 10.1.2.3\r\n";
  CHECK(ann.sign_in("ann", web.password).status == 303);
  CHECK(web.events("kind=signed_in")[0]["text"] == "ann signed in from 10.1.2.3");
}

TEST_CASE("sign-in: a password that is changed while the old one is compared ends the session") {
  scripted_farm farm;
  put_ann(farm, 1);
  auto loop = std::make_shared<asio::io_context>(1);
  auto parts = farm.parts_on(loop);
  parts.passwords.actor = slow_passwords(farm, [&farm] {
    put_ann(farm, farm.plan->now_ms += 5);
    farm.plan->now_ms += 5;
  });
  auto desk = make_front_desk(parts);
  request asked;
  asked.fields["host"] = "farm";
  std::optional<bool> still;
  auto talk = [&]() -> asio::awaitable<void> {
    auto said = co_await desk->sign_in(asked, "ann", "the old one");
    asked.fields["cookie"] = "drover=" + said.cookie;
    auto who = co_await desk->visitor_of(asked);
    still = who && who->signed_in();
  };
  asio::co_spawn(*loop, talk, asio::detached);
  loop->run();
  CHECK(still == false);
  caf::anon_send_exit(parts.passwords.actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("users: an account that is removed while its password is set does not come back") {
  scripted_farm farm;
  put_ann(farm, 1);
  auto loop = std::make_shared<asio::io_context>(1);
  auto parts = farm.parts_on(loop);
  parts.passwords.actor = slow_passwords(farm, [&farm] {
    storage::write_batch batch;
    storage::remove_user(batch, "ann");
    farm.commit(std::move(batch));
  });
  auto api = make_api(parts);
  request asked;
  asked.method = "POST";
  asked.path = {"api", "v1", "users", "ann", "password"};
  asked.from.uid = ::geteuid();
  one_body body;
  unsigned status = 0;
  auto talk = [&]() -> asio::awaitable<void> { status = (co_await api(asked, body)).status; };
  asio::co_spawn(*loop, talk, asio::detached);
  loop->run();
  CHECK(status == 404);
  CHECK(storage::read_users(*farm.plan->store)->empty());
  caf::anon_send_exit(parts.passwords.actor, caf::exit_reason::user_shutdown);
}
