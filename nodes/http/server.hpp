#pragma once
// The farm's HTTP/1.1 server: sockets, framing and bounds. What is answered is the handler's
// matter.
//
// It has its own thread and loop, so that a slow browser can't cost a lease. Bodies go through
// piece by piece in both directions: a connection costs one piece, whatever is up- or downloaded.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/request.hpp"
#include "schema/limits.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <stdexcept>

namespace drover::http {

namespace asio = boost::asio;
using std::chrono::milliseconds;

/// Thrown by `body_reader` when the body is longer than it may be; becomes a 413.
struct body_too_large : std::runtime_error {
  using runtime_error::runtime_error;
};
/// Thrown by `body_reader` when the client is gone, too slow or breaks framing: there is nobody to
/// answer.
struct body_broken : std::runtime_error {
  using runtime_error::runtime_error;
};

/// The body of one request. Not reading it costs the client its connection, nothing else.
class body_reader {
public:
  virtual ~body_reader() = default;
  /// The next piece, at most limits::blob_piece_bytes; empty at the end.
  virtual asio::awaitable<std::string> read() = 0;
};

/// Yields the next piece of an answer's body, empty at its end; called when the last is on its way.
using piece_source = std::function<expected<std::string>()>;

/// The same for a body that has to be waited for: nothing is held back while it waits.
using piece_flow = std::function<asio::awaitable<expected<std::string>>()>;

struct response {
  unsigned status = 200;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  piece_source pieces;            ///< if set, the body comes from there
  piece_flow flow;                ///< or from there, chunked
  std::optional<uint64_t> length; ///< of all pieces together; without it they go out chunked
};

/// {type, title, status, detail} as application/problem+json.
response problem(unsigned status, std::string_view detail);

/// Runs on the server's thread; whether the asker may is its matter. An exception becomes a 500.
/// HEAD comes as GET.
using handler = std::function<asio::awaitable<response>(const request&, body_reader&)>;

struct server_settings {
  std::shared_ptr<asio::io_context> loop; ///< its own; answers of the farm are posted to it
  std::string socket_path;                ///< made with mode 0600; empty: none
  std::string address = "127.0.0.1";      ///< of the port: IPv4 or IPv6, as numbers
  std::optional<uint16_t> port;           ///< 0: any free one
  handler handle;
  milliseconds idle_timeout = limits::http_idle_timeout;
  size_t connections_max = limits::http_connections_max;
};

class server {
public:
  /// Listens and serves until destroyed. The error says which address and why.
  static expected<std::unique_ptr<server>> start(server_settings settings);
  /// Drops all connections, waits for the thread, removes the socket.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// The TCP port; 0 if there is none.
  uint16_t port() const;

private:
  struct state;
  explicit server(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

} // namespace drover::http
