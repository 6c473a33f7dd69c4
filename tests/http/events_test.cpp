// The journal over HTTP: pages, waiting, and the stream that resumes from any past entry.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_api.hpp"
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>

#include <thread>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

void add_events(scripted_farm& farm, uint64_t count, const event_record& like = {}) {
  while (count > 0) {
    storage::write_batch batch;
    for (; count > 0 && batch.events.size() < 1000; --count)
      batch.events.push_back(like);
    farm.commit(std::move(batch));
  }
}

event_record finished(uint64_t build, const std::string& host = "h1") {
  event_record event;
  event.kind = event_kind::build_finished;
  event.build = {build};
  event.host = {host};
  event.outcome = result::success;
  event.text = "build " + std::to_string(build) + " is over";
  return event;
}

json get(scripted_farm& farm, const std::string& query) {
  auto answer = farm.client.get("/api/v1/events" + query);
  REQUIRE(answer);
  INFO(answer->body);
  REQUIRE(answer->status == 200);
  return json::parse(answer->body);
}

std::vector<uint64_t> numbers(const json& page) {
  std::vector<uint64_t> out;
  for (const auto& event : page.at("events"))
    out.push_back(event.at("sequence"));
  return out;
}

/// A reader of the stream.
struct reader : raw_client {
  explicit reader(const scripted_farm& farm, const std::string& query = "",
                  const std::string& fields = "")
      : raw_client{farm.socket} {
    send("GET /api/v1/events/stream" + query + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  }
};

size_t count_of(const std::string& text, const std::string& what) {
  size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++out;
  return out;
}

} // namespace

TEST_CASE("events: pages follow each other without a gap, and `last` says where the end is") {
  scripted_farm farm;
  add_events(farm, 120);
  std::vector<uint64_t> all;
  uint64_t after = 0;
  for (;;) {
    auto page = get(farm, "?limit=50&after=" + std::to_string(after));
    CHECK(page["last"] == 120);
    if (page["events"].empty())
      break;
    for (auto number : numbers(page))
      all.push_back(number);
    after = page["next"];
  }
  REQUIRE(all.size() == 120);
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(all[i] == i + 1);
}

TEST_CASE("events: filters, singly and together; what does not apply is null") {
  scripted_farm farm;
  for (uint64_t build = 1; build <= 4; ++build)
    add_events(farm, 1, finished(build, build % 2 == 0 ? "h2" : "h1"));
  event_record order;
  order.kind = event_kind::host_ordered;
  order.host = {"h2"};
  order.by = "ann";
  add_events(farm, 1, order);
  CHECK(numbers(get(farm, "?build=3")) == std::vector<uint64_t>{3});
  CHECK(numbers(get(farm, "?host=h2")) == std::vector<uint64_t>{2, 4, 5});
  CHECK(numbers(get(farm, "?host=h2&kind=build_finished")) == std::vector<uint64_t>{2, 4});
  CHECK(numbers(get(farm, "?kind=host_ordered,farm_started")) == std::vector<uint64_t>{5});
  CHECK(numbers(get(farm, "?by=ann")) == std::vector<uint64_t>{5});
  CHECK(numbers(get(farm, "?tail=2")) == std::vector<uint64_t>{4, 5});
  CHECK(numbers(get(farm, "?tail=2&kind=build_finished")) == std::vector<uint64_t>{3, 4});
  auto event = get(farm, "?build=3")["events"][0];
  for (auto field : {"sequence", "at", "kind", "build", "campaign", "builder", "host", "step",
                     "attempt", "state", "result", "by", "text"})
    CHECK(event.contains(field));
  CHECK(event["result"] == "success");
  CHECK(event["by"].is_null());
  CHECK(event["campaign"].is_null());
  for (auto wrong :
       {"?kind=nothing", "?build=x", "?after=-1", "?tail=1&after=1", "?colour=red", "?limit=501"}) {
    auto answer = farm.client.get("/api/v1/events" + std::string{wrong});
    REQUIRE(answer);
    INFO(wrong);
    CHECK(answer->status == 400);
  }
}

TEST_CASE("events: a filter that fits little is searched for in a long journal all the same") {
  scripted_farm farm;
  add_events(farm, 9000, finished(1));
  add_events(farm, 1, finished(2));
  add_events(farm, 9000, finished(1));
  CHECK(numbers(get(farm, "?build=2")) == std::vector<uint64_t>{9001});
  CHECK(numbers(get(farm, "?build=2&tail=5")) == std::vector<uint64_t>{9001});
}

TEST_CASE("events: who waits gets the next entry when it comes") {
  scripted_farm farm;
  add_events(farm, 3, finished(1));
  json page;
  std::thread waiting{[&] { page = get(farm, "?after=3&build=2&wait=20"); }};
  add_events(farm, 2, finished(1)); // does not fit: it waits on
  add_events(farm, 1, finished(2));
  waiting.join();
  CHECK(numbers(page) == std::vector<uint64_t>{6});
  CHECK(get(farm, "?after=6&wait=0.1")["events"].empty());
}

TEST_CASE("event stream: begins where the reader says, goes on with what comes") {
  scripted_farm farm;
  add_events(farm, 5, finished(1));
  reader from_begin{farm, "?after=0"};
  auto text = from_begin.read_until("id: 5\n");
  CHECK(text.find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(text.find("X-Accel-Buffering: no\r\n") != std::string::npos);
  CHECK(text.find("retry: 2000\n") != std::string::npos);
  CHECK(count_of(text, "event: build_finished\n") >= 4);
  reader resumes{farm, "?after=1", "Last-Event-ID: 3\r\n"};
  text = resumes.read_until("id: 5\nevent: build_finished\ndata: {");
  CHECK(text.find("id: 4\n") != std::string::npos);
  CHECK(text.find("id: 2\n") == std::string::npos);
  reader from_now{farm};
  from_now.read_until("retry: 2000");
  add_events(farm, 1, finished(7));
  text = from_now.read_until("is over\"}\n\n");
  CHECK(text.find("id: 6\nevent: build_finished\ndata: {\"sequence\":6,") != std::string::npos);
  CHECK(text.find("id: 4\n") == std::string::npos);
}

TEST_CASE("event stream: a filter holds for what comes, too") {
  scripted_farm farm;
  reader one{farm, "?build=2&after=0"};
  one.read_until("retry: 2000");
  add_events(farm, 3, finished(1));
  add_events(farm, 1, finished(2));
  auto text = one.read_until("is over\"}\n\n");
  CHECK(count_of(text, "event: ") == 1);
  CHECK(text.find("id: 4\n") != std::string::npos);
}

TEST_CASE("event stream: what was removed before the reader came is told as a gap first") {
  scripted_farm farm;
  add_events(farm, 20, finished(1));
  storage::write_batch batch;
  for (uint64_t at = 1; at <= 10; ++at)
    batch.remove(storage::family::history,
                 std::string{"\x50\0\0\0\0\0\0\0", 8} + static_cast<char>(at));
  farm.commit(std::move(batch));
  reader late{farm, "?after=4"};
  auto text = late.read_until("id: 20\n");
  auto gap = text.find("id: 10\nevent: gap\ndata: {\"after\":4,\"first\":11}\n\n");
  REQUIRE(gap != std::string::npos);
  CHECK(gap < text.find("id: 11\n"));
  reader in_time{farm, "?after=10"};
  CHECK(in_time.read_until("id: 20\n").find("gap") == std::string::npos);
}

TEST_CASE("event stream: three hundred readers hear the same entry, and the rest goes on") {
  scripted_farm farm;
  std::vector<std::unique_ptr<reader>> readers;
  for (int i = 0; i < 300; ++i)
    readers.push_back(std::make_unique<reader>(farm));
  for (auto& each : readers)
    REQUIRE(each->read_until("retry: 2000").find("200 OK") != std::string::npos);
  add_events(farm, 1, finished(42));
  for (auto& each : readers)
    REQUIRE(each->read_until("build 42 is over").find("id: 1\n") != std::string::npos);
  CHECK(get(farm, "?tail=1")["last"] == 1);
}

TEST_CASE("event stream: a reader that never reads is dropped, and costs nobody else anything") {
  scripted_farm farm{300ms};
  auto like = finished(1);
  like.text = std::string(2000, 'x');
  add_events(farm, 4000, like); // eight megabytes: more than sockets hold
  reader stuck{farm, "?after=0"};
  auto until = std::chrono::steady_clock::now() + 10s;
  bool dropped = false;
  while (!dropped && std::chrono::steady_clock::now() < until) {
    CHECK(get(farm, "?tail=1")["last"] == 4000); // others are served all the while
    dropped = !stuck.send("x");
  }
  CHECK(dropped);
  reader slow{farm, "?after=0"}; // reads on and on: gets all of it
  CHECK(slow.read_until("id: 4000\n").size() > 8'000'000);
}

TEST_CASE("event stream: it ends when its token is revoked, at once, and when it expires") {
  scripted_farm farm;
  auto made = farm.client.post("/api/v1/tokens", R"({"name": "ann", "role": "view"})");
  REQUIRE(made);
  auto token = json::parse(made->body);
  auto open = [&](const std::string& bearer) {
    auto client = std::make_unique<raw_client>(farm.port);
    client->send("GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + bearer
                 + "\r\n\r\n");
    REQUIRE(client->read_until("retry: 2000").find("200 OK") != std::string::npos);
    return client;
  };
  auto stream = open(token.at("token"));
  storage::write_batch batch;
  auto kept = storage::read_tokens(*farm.plan->store);
  REQUIRE(kept);
  auto begun = std::chrono::steady_clock::now();
  storage::remove_token(batch, kept->front());
  event_record event;
  event.kind = event_kind::token_changed;
  batch.events.push_back(event);
  farm.commit(std::move(batch));
  auto rest = stream->read_until("0\r\n\r\n");
  CHECK(rest.find("0\r\n\r\n") != std::string::npos); // ended, not cut
  CHECK(rest.find("token_changed") == std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  auto brief =
    farm.client.post("/api/v1/tokens", R"({"name": "bob", "role": "view", "expires_in": 1})");
  REQUIRE(brief);
  auto second = open(json::parse(brief->body).at("token"));
  farm.plan->now_ms += 2000; // the stream waits no longer than its token had left
  CHECK(second->read_until("0\r\n\r\n").find("0\r\n\r\n") != std::string::npos);
}

TEST_CASE("event stream: when the server stops, its readers' connections end") {
  scripted_farm farm;
  auto one = std::make_unique<reader>(farm);
  one->read_until("retry: 2000");
  auto begun = std::chrono::steady_clock::now();
  farm.stop_serving();
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
}
