// Requests that two readers could understand differently: each is refused, and what follows it on
// the connection is never taken for a request.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_api.hpp"
#include "tests/catch.hpp"
#include "tests/http/raw_client.hpp"

#include <atomic>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;

namespace {

/// Counts what it executes: requests for /smuggled, and all others.
struct counting_server {
  scratch_folder folder;
  std::string path = folder.path + "/s";
  std::atomic<int> smuggled{0};
  std::atomic<int> served{0};
  std::unique_ptr<server> it;

  counting_server() {
    server_settings settings;
    settings.loop = std::make_shared<asio::io_context>(1);
    settings.socket_path = path;
    settings.handle = [this](const request& asked, body_reader& body) {
      return serve(asked, body);
    };
    auto started = server::start(std::move(settings));
    REQUIRE(started);
    it = std::move(*started);
  }

  asio::awaitable<response> serve(const request& asked, body_reader& body) {
    ++(asked.path == std::vector<std::string>{"smuggled"} ? smuggled : served);
    response out;
    while (!(co_await body.read()).empty()) {
    }
    out.body = "taken";
    co_return out;
  }
};

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST /form HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

const std::string follower = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
using cases = std::vector<std::pair<std::string, std::string>>;

// "none": nobody is answered, the connection ends. Else the status.
const cases lengths{
  {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
  {post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "400"},
  {post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), "400"},
  {post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "400"},
  {post("Content-Length: 5, 5\r\n", "hello"), "400"},
  {post("Content-Length: 5,6\r\n", "hello"), "400"},
  {post("Content-Length: +5\r\n", "hello"), "400"},
  {post("Content-Length: -1\r\n", "hello"), "400"},
  {post("Content-Length: 5 5\r\n", "hello"), "400"},
  {post("Content-Length: 0x5\r\n", "hello"), "400"},
  {post("Content-Length: 5.0\r\n", "hello"), "400"},
  {post("Content-Length:\r\n", "hello"), "400"},
  {post("Content-Length : 5\r\n", "hello"), "400"},
  {post("Content-Length: 99999999999999999999999\r\n"), "400"},
  {post("Content-Length: 18446744073709551616\r\n"), "400"},
  {post("Content-Length: 9000000000000000000\r\n"), "413"},
};

const cases codings{
  {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501"},
  {post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), "501"},
  {post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "501"},
  {post("Transfer-Encoding: identity\r\n"), "501"},
  {post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "501"},
  {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
  {post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
  {post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "501"},
  {post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400"},
  {post("Transfer-Encoding\x0b: chunked\r\n", "0\r\n\r\n"), "400"},
  {post("Transfer-Encoding: \x0b"
        "chunked\r\n",
        "0\r\n\r\n"),
   "400"},
  {post(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
  {"POST /form HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
  {"GET / HTTP/1.0\r\nHost: x\r\nTE: trailers\r\n\r\n", "400"},
  {get("Host: x\r\nTE: gzip\r\n"), "400"},
  {get("Host: x\r\nExpect: wonders\r\n"), "417"},
};

const cases heads{
  {get(""), "400"},
  {get("Host: x\r\nHost: y\r\n"), "400"},
  {get("Host:\r\n"), "400"},
  {"GET / HTTP/1.1\nHost: x\n\n", "400"},
  {"GET / HTTP/1.1\r\nHost: x\n\r\n", "400"},
  {get("Host: x\r\nX: a\nTransfer-Encoding: chunked\r\n"), "400"},
  {get("Host: x\r\nX: a\rb\r\n"), "400"},
  {get("Host: x\r\nX: a\r\n folded: b\r\n"), "400"},
  {get("Host: x\r\nX: a\r\n\tContent-Length: 9\r\n"), "400"},
  {get(std::string{"Host: x\r\nX: a\0b\r\n", 17}), "400"},
  {get(std::string{"Host: x\r\nX\0: b\r\n", 16}), "400"},
  {get("Host: x\r\n: no name\r\n"), "400"},
  {get("Host: x\r\nno colon\r\n"), "400"},
  {get("Host: x\r\nX: " + std::string(limits::http_header_bytes_max, 'a') + "\r\n"), "431"},
  {"\x16\x03\x01\x02", "none"},
};

const cases targets{
  {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "400"},
  {"GET / HTTP/1.10\r\nHost: x\r\n\r\n", "400"},
  {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "400"},
  {"GET /\r\nHost: x\r\n\r\n", "400"},
  {"GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"CONNECT elsewhere:80 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET //elsewhere/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  {"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
};

// The body is broken after the request began: there is no answer that could be believed.
const cases chunks{
  {chunked("5\r\nhello"), "none"},
  {chunked("5\r\nhelloo\r\n0\r\n\r\n"), "none"},
  {chunked("-5\r\nhello\r\n0\r\n\r\n"), "none"},
  {chunked("0x5\r\nhello\r\n0\r\n\r\n"), "none"},
  {chunked("5\nhello\n0\n\n"), "none"},
  {chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), "none"},
  {chunked("zz\r\nhello\r\n0\r\n\r\n"), "none"},
  {chunked("5;" + std::string(2 * limits::http_buffer_bytes_max, 'a')), "none"},
};

void check_refused(const cases& all) {
  counting_server server;
  for (const auto& [bytes, status] : all) {
    raw_client client{server.path};
    client.send(bytes + follower);
    client.end_sending();
    auto answer = client.read_all();
    INFO(bytes.substr(0, 200));
    INFO(answer);
    CHECK(client.closed);
    CHECK(server.smuggled.exchange(0) == 0);
    CHECK(answer.find("taken") == std::string::npos);
    CHECK(answer.find("HTTP/1.1 ") == answer.rfind("HTTP/1.1 ")); // one answer at most
    if (status == "none")
      CHECK(answer.find("200 OK") == std::string::npos);
    else
      CHECK(answer.substr(8, 4) == " " + status);
    if (!answer.empty()) {
      CHECK(answer.find("Content-Type: application/problem+json\r\n") != std::string::npos);
      // In HTTP/1.0 that goes without saying.
      if (answer.find("HTTP/1.1") == 0)
        CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    }
  }
}

} // namespace

TEST_CASE("smuggling: ambiguous lengths are refused") {
  check_refused(lengths);
}

TEST_CASE("smuggling: codings other than chunked, and chunked in disguise, are refused") {
  check_refused(codings);
}

TEST_CASE("smuggling: headers that parsers disagree on are refused") {
  check_refused(heads);
}

TEST_CASE("smuggling: targets other than a path are refused") {
  check_refused(targets);
}

TEST_CASE("smuggling: a body whose chunks are broken ends the connection") {
  check_refused(chunks);
}

TEST_CASE("smuggling: sound requests in one piece are served in turn, bodies and all") {
  counting_server server;
  raw_client client{server.path};
  client.send(chunked("5;name=value\r\nhello\r\n0\r\nTrailer: x\r\n\r\n")
              + post("Content-Length: 5\r\n", "hello") + post("Content-Length: 0\r\n")
              + get("Host: x\r\nConnection: close\r\n") + follower);
  auto answer = client.read_all();
  INFO(answer);
  CHECK(server.served == 4);
  CHECK(server.smuggled == 0); // the one before said that it was the last
}
