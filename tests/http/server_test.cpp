// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/listen.hpp"
#include "tests/catch.hpp"
#include "tests/http/raw_client.hpp"

#include <sys/stat.h>

using namespace drover;
using namespace drover::http;
using namespace drover::http::test;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t long_body = 64ull * 1024 * 1024;

asio::awaitable<response> serve(const request& asked, body_reader& body) {
  response out;
  out.type = "text/plain";
  auto what = asked.path.empty() ? std::string{} : asked.path[0];
  if (what == "echo") {
    for (;;) {
      auto piece = co_await body.read();
      if (piece.empty())
        break;
      out.body += piece;
    }
  } else if (what == "count") {
    uint64_t count = 0;
    for (;;) {
      auto piece = co_await body.read();
      if (piece.empty())
        break;
      count += piece.size();
    }
    out.body = std::to_string(count);
  } else if (what == "throw") {
    throw std::runtime_error{"a defect"};
  } else if (what == "long" || what == "chunks" || what == "cut") {
    if (what == "long")
      out.length = long_body;
    out.pieces = [at = uint64_t{0}, cut = what == "cut"]() mutable -> expected<std::string> {
      if (cut && at > 0)
        return failure{ec::damaged, "a piece is missing"};
      auto size = std::min<uint64_t>(256 * 1024, long_body - at);
      at += size;
      return std::string(size, 'x');
    };
  } else {
    out.body = "hello";
  }
  co_return out;
}

struct running_server {
  scratch_folder folder;
  std::string path = folder.path + "/s";
  std::unique_ptr<server> it;

  explicit running_server(milliseconds idle = 60s, size_t connections_max = 100) {
    server_settings settings;
    settings.loop = std::make_shared<asio::io_context>(1);
    settings.socket_path = path;
    settings.handle = serve;
    settings.idle_timeout = idle;
    settings.connections_max = connections_max;
    auto started = server::start(std::move(settings));
    REQUIRE(started);
    it = std::move(*started);
  }
};

size_t count_of(const std::string& text, const std::string& what) {
  size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++out;
  return out;
}

std::string status_of(const std::string& answer) {
  return answer.size() > 12 ? answer.substr(9, 3) : "none";
}

} // namespace

TEST_CASE("server: two requests share a connection, and a third may end it") {
  running_server server;
  raw_client client{server.path};
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
              "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto answer = client.read_all();
  CHECK(count_of(answer, "HTTP/1.1 200 OK") == 3);
  CHECK(count_of(answer, "\r\n\r\nhello") == 3);
  CHECK(client.closed);
}

TEST_CASE("server: a broken chunk ends the connection without an answer that could be believed") {
  running_server server;
  raw_client client{server.path};
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "5\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto answer = client.read_all();
  CHECK(client.closed);
  CHECK(answer.find("200") == std::string::npos);
}

TEST_CASE("server: a header longer than its limit is refused") {
  running_server server;
  raw_client client{server.path};
  client.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(limits::http_header_bytes_max, 'a'));
  CHECK(status_of(client.read_all()) == "431");
  CHECK(client.closed);
}

TEST_CASE("server: chunked and sized bodies come through whole, 100-continue is answered") {
  running_server server;
  raw_client client{server.path};
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  CHECK(client.read_until("hello world").find("200 OK") != std::string::npos);
  client.send(
    "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.read_until("100 Continue\r\n\r\n").find("HTTP/1.1 100") == 0);
  client.send("abc");
  CHECK(client.read_until("abc").find("200 OK") != std::string::npos);
}

TEST_CASE("server: a long upload is counted and a long download arrives") {
  running_server server;
  raw_client client{server.path};
  std::string piece(1024 * 1024, 'y');
  client.send("PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: "
              + std::to_string(64 * piece.size()) + "\r\n\r\n");
  for (int i = 0; i < 64; ++i)
    REQUIRE(client.send(piece));
  auto count = std::to_string(64 * piece.size());
  CHECK(client.read_until("\r\n\r\n" + count).find("200 OK") != std::string::npos);
  client.send("GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto answer = client.read_all();
  CHECK(answer.size() - answer.find("\r\n\r\n") - 4 == long_body);
}

TEST_CASE(
  "server: without a length a download is chunked, and for HTTP/1.0 ends with the connection") {
  running_server server;
  raw_client modern{server.path};
  modern.send("GET /chunks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto answer = modern.read_all();
  CHECK(answer.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(answer.substr(answer.size() - 5) == "0\r\n\r\n");
  raw_client old{server.path};
  old.send("GET /chunks HTTP/1.0\r\n\r\n");
  auto plain = old.read_all();
  CHECK(plain.find("chunked") == std::string::npos);
  CHECK(plain.size() - plain.find("\r\n\r\n") - 4 == long_body);
}

TEST_CASE("server: a download that fails in the middle is cut, not ended as if whole") {
  running_server server;
  raw_client client{server.path};
  client.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  auto answer = client.read_all();
  CHECK(client.closed);
  CHECK(answer.find("0\r\n\r\n") == std::string::npos);
}

TEST_CASE("server: HEAD has the length and no body") {
  running_server server;
  raw_client client{server.path};
  client.send("HEAD /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto answer = client.read_all();
  CHECK(answer.find("Content-Length: " + std::to_string(long_body)) != std::string::npos);
  CHECK(answer.find("xxx") == std::string::npos);
}

TEST_CASE("server: a client that sends nothing, or a header bit by bit, is dropped in time") {
  running_server server{300ms};
  raw_client silent{server.path};
  raw_client slow{server.path};
  slow.send("GET / HTTP/1.1\r\nHo");
  silent.read_all();
  slow.read_all();
  CHECK(silent.closed);
  CHECK(slow.closed);
}

TEST_CASE("server: a reader that stops holds up nobody else and is dropped in time") {
  running_server server{300ms};
  raw_client stuck{server.path};
  stuck.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
  raw_client other{server.path};
  other.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(status_of(other.read_all()) == "200");
  // Wait for the server to give the stuck one up: a new request sees it served on all the while.
  auto until = std::chrono::steady_clock::now() + 10s;
  bool dropped = false;
  while (!dropped && std::chrono::steady_clock::now() < until) {
    raw_client probe{server.path};
    probe.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(status_of(probe.read_until("hello")) == "200");
    dropped = !stuck.send("x");
  }
  CHECK(dropped);
}

TEST_CASE("server: an exception of a handler is a 500, and the next request is served") {
  running_server server;
  raw_client client{server.path};
  client.send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
  auto answer = client.read_until("}");
  CHECK(status_of(answer) == "500");
  CHECK(answer.find("a defect") == std::string::npos);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(client.read_until("hello")) == "200");
}

TEST_CASE("server: a client that is refused before its body ended still reads the answer") {
  running_server server;
  raw_client client{server.path};
  client.send("POST /throw HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
  client.send(std::string(1048576, 'z'));
  CHECK(status_of(client.read_all()) == "500");
}

TEST_CASE("server: one connection too many is told so and the others go on") {
  running_server server{60s, 2};
  raw_client first{server.path}, second{server.path};
  for (auto* each : {&first, &second}) {
    each->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(each->read_until("hello")) == "200");
  }
  raw_client third{server.path};
  CHECK(status_of(third.read_all()) == "503");
  first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(first.read_until("hello")) == "200");
}

TEST_CASE("server: its socket is private, a stale one is replaced, a live one is respected") {
  running_server server;
  struct stat seen {};
  REQUIRE(::stat(server.path.c_str(), &seen) == 0);
  CHECK((seen.st_mode & 0777) == 0600);
  asio::io_context loop;
  auto second = listen_unix(loop, server.path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ec::conflict);
  {
    asio::local::stream_protocol::acceptor dead{loop, {server.folder.path + "/dead"}};
  } // closed without removing the file
  CHECK(listen_unix(loop, server.folder.path + "/dead"));
  std::filesystem::create_directory(server.folder.path + "/folder");
  CHECK_FALSE(listen_unix(loop, server.folder.path + "/folder"));
  CHECK_FALSE(listen_unix(loop, server.folder.path + "/" + std::string(200, 'a')));
}

TEST_CASE("server: a token file that others can read, or a short token, is refused") {
  scratch_folder folder;
  auto path = folder.path + "/token";
  auto write = [&](const std::string& text, mode_t mode) {
    auto* file = std::fopen(path.c_str(), "w");
    REQUIRE(file);
    std::fputs(text.c_str(), file);
    std::fclose(file);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
  };
  CHECK_FALSE(read_token(path));
  write("0123456789abcdef0123\n", 0644);
  CHECK_FALSE(read_token(path));
  write("short\n", 0600);
  CHECK_FALSE(read_token(path));
  write("0123456789abcdef0123\n", 0600);
  auto token = read_token(path);
  REQUIRE(token);
  CHECK(*token == "0123456789abcdef0123");
}
