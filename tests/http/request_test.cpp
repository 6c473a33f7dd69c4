// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/request.hpp"
#include "nodes/http/submission.hpp"
#include "tests/catch.hpp"

#include <random>

using namespace drover;
using namespace drover::http;

TEST_CASE("target: path and query are taken apart and decoded") {
  auto asked = parse_target("GET", "/api/v1/builds/12/?limit=3&name=a%2Bb+c&flag");
  REQUIRE(asked);
  CHECK(asked->path == std::vector<std::string>{"api", "v1", "builds", "12"});
  CHECK(asked->parameter("limit") == "3");
  CHECK(asked->parameter("name") == "a+b+c");
  CHECK(asked->parameter("flag") == "");
  CHECK_FALSE(asked->parameter("other"));
  CHECK(parse_target("GET", "/")->path.empty());
  CHECK(parse_target("GET", "/a%2Fb")->path == std::vector<std::string>{"a/b"});
}

TEST_CASE("target: what is not in origin form, climbs, or is ambiguous is refused") {
  for (auto target : {"", "*", "builds", "http://x/", "//a", "/a//b", "/..", "/a/../b", "/%2E%2e/b",
                      "/a%", "/a%2", "/a%gg", "/a%00", "/a?x=1&x=2", "/a?x=%", "/a#b"}) {
    INFO(target);
    CHECK_FALSE(parse_target("GET", target));
  }
}

TEST_CASE("target: what is encoded decodes to itself, whatever bytes it has") {
  std::mt19937_64 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, ' ');
    for (auto& c : text)
      c = static_cast<char>(random() % 255 + 1); // all but NUL
    CHECK(percent_decode(percent_encode(text)) == text);
  }
}

TEST_CASE("target: no bytes crash the parser") {
  std::mt19937_64 random{8};
  const std::string letters = "/%?&=.#a2e0\n\x80";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 24, '/');
    for (auto& c : text)
      c = letters[random() % letters.size()];
    auto asked = parse_target("GET", text);
    if (asked)
      for (const auto& segment : asked->path)
        CHECK((segment != ".." && segment != "." && !segment.empty()));
  }
}

namespace {

const std::string digest(64, 'a');

std::string order_with(const std::string& source) {
  return R"({"orders":[{"builder":"check","source":)" + source + "}]}";
}

} // namespace

TEST_CASE("submission: a whole one becomes a value") {
  auto parsed = parse_submission(
    R"({"orders":[{"builder":"check","source":{"kind":"tarball","id":"a.tar","sha256":")" + digest
    + R"(","size":3}},{"builder":"plain"}],"params":{"A":"b"},)"
      R"("host":"h1","reason":"why","by":"me"})");
  REQUIRE(parsed);
  REQUIRE(parsed->orders.size() == 2);
  CHECK(parsed->orders[0].source.kind == source_kind::tarball);
  CHECK(parsed->orders[0].source.id == "a.tar");
  CHECK(parsed->orders[0].source.size == 3);
  CHECK(parsed->orders[1].source.kind == source_kind::none);
  CHECK(parsed->params == string_map{{"A", "b"}});
  CHECK(parsed->host == "h1");
  CHECK(parsed->because == "why");
  CHECK(parsed->by == "me");
}

TEST_CASE("submission: each mistake is one line that names its place") {
  auto [text, place] = GENERATE_COPY(table<std::string, std::string>({
    {"", "JSON"},
    {"[1]", "submission"},
    {"{}", "submission.orders"},
    {R"({"orders":[]})", "submission.orders"},
    {R"({"orders":[{}]})", "submission.orders[0]"},
    {R"({"orders":[{"builder":"../x"}]})", "submission.orders[0]"},
    {R"({"orders":[{"builder":"a\nb"}]})", "submission.orders[0]"},
    {R"({"orders":[{"builder":7}]})", "submission.orders[0].builder"},
    {R"({"orders":[{"builder":"a","sauce":1}]})", "sauce"},
    {R"({"orders":[{"builder":"a"}],"speed":1})", "speed"},
    {R"({"orders":[{"builder":"a"}],"params":[]})", "submission.params"},
    {R"({"orders":[{"builder":"a"}],"params":{"x":1}})", "submission.params.x"},
    {R"({"orders":[{"builder":"a"}],"params":{"x y":"1"}})", "submission.params"},
    {R"({"orders":[{"builder":"a"}],"host":"../h"})", "submission.host"},
    {R"({"orders":[{"builder":"a"}],"reason":")" + std::string(500, 'x') + "\"}",
     "submission.reason"},
    {order_with(R"({"kind":"egg"})"), "source.kind"},
    {order_with(R"({"kind":"tarball","id":"a/b","sha256":")" + digest + "\"}"), "source.id"},
    {order_with(R"({"kind":"tarball","id":"a\u001b[2J","sha256":")" + digest + "\"}"), "source.id"},
    {order_with(R"({"kind":"tarball","id":"a","sha256":"12"})"), "source.sha256"},
    {order_with(R"({"kind":"tarball","id":"a","size":-1,"sha256":")" + digest + "\"}"), "size"},
    {std::string(100'000, '['), "JSON"},
  }));
  auto parsed = parse_submission(text);
  REQUIRE_FALSE(parsed);
  INFO(parsed.error().text);
  CHECK(parsed.error().code == ec::bad_input);
  CHECK(parsed.error().text.find(place) != std::string::npos);
  CHECK(parsed.error().text.find('\n') == std::string::npos);
}
