// The only file that instantiates Boost.Beast's server side, over one stream type.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/server.hpp"

#include "nodes/http/http_text.hpp"
#include "nodes/http/listen.hpp"
#include "nodes/http/seat.hpp"
#include "schema/limits_api.hpp"
#include "schema/names.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <thread>

namespace drover::http {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using stream = beast::basic_stream<asio::generic::stream_protocol>;
using parser = bhttp::request_parser<bhttp::buffer_body>;
using asio::use_awaitable;
using std::chrono::steady_clock;

struct server::state {
  server_settings settings;
  std::optional<asio::local::stream_protocol::acceptor> local;
  std::optional<asio::ip::tcp::acceptor> loopback;
  uint16_t port = 0;
  /// Touched on the loop's thread; shared, since sessions are destroyed with the loop, not with us.
  std::shared_ptr<size_t> connections = std::make_shared<size_t>(0);
  std::thread thread;
};

namespace {

/// What running sessions use. The server outlives their running, though not their memory.
struct house {
  const handler& handle;
  milliseconds idle;
  std::shared_ptr<size_t> connections;
};

/// All of `bytes`; each step forward renews the time that a slow reader has.
asio::awaitable<error_code> write_all(stream& to, std::string_view bytes, milliseconds idle) {
  while (!bytes.empty()) {
    to.expires_after(idle);
    auto [error, count] = co_await to.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                                       asio::as_tuple(use_awaitable));
    if (error)
      co_return error;
    bytes.remove_prefix(count);
  }
  co_return error_code{};
}

class stream_body : public body_reader {
public:
  stream_body(stream& from, beast::flat_buffer& buffer, parser& reading, const house& home)
      : from_{from}, buffer_{buffer}, reading_{reading}, home_{home} {
    expects_continue_ = !reading.get()[bhttp::field::expect].empty();
  }

  asio::awaitable<std::string> read() override {
    if (expects_continue_ && !reading_.is_done()) {
      expects_continue_ = false;
      if (co_await write_all(from_, "HTTP/1.1 100 Continue\r\n\r\n", home_.idle))
        throw body_broken{"the client is gone"};
    }
    std::string piece(limits::blob_piece_bytes, '\0');
    size_t filled = 0;
    while (!reading_.is_done() && filled < piece.size()) {
      auto& body = reading_.get().body();
      body.data = piece.data() + filled;
      body.size = piece.size() - filled;
      from_.expires_after(home_.idle);
      auto [error, count] =
        co_await bhttp::async_read_some(from_, buffer_, reading_, asio::as_tuple(use_awaitable));
      filled = piece.size() - body.size;
      if (error == bhttp::error::need_buffer)
        break;
      if (error == bhttp::error::body_limit)
        throw body_too_large{"the body is longer than anything may be"};
      if (error)
        throw body_broken{error.message()};
    }
    piece.resize(filled);
    co_return piece;
  }

  /// Drops what is left of the body, within bounds, so that the client gets to read the answer
  /// instead of a reset.
  asio::awaitable<void> linger() {
    error_code ignored; // the peer may be gone already: then there is nothing to do
    from_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    std::string scrap(limits::log_chunk_bytes, '\0');
    from_.expires_after(limits::http_linger);
    for (size_t dropped = 0; dropped < limits::http_linger_bytes_max;) {
      auto [error, count] =
        co_await from_.async_read_some(asio::buffer(scrap), asio::as_tuple(use_awaitable));
      if (error)
        co_return;
      dropped += count;
    }
  }

private:
  stream& from_;
  beast::flat_buffer& buffer_;
  parser& reading_;
  const house& home_;
  bool expects_continue_ = false;
};

/// Pulls and sends all pieces. An error of the source or a wrong length can't be told in the answer
/// any more: the connection is cut, so that the client sees that something is missing.
asio::awaitable<error_code> write_pieces(stream& to, const response& answer, framed how,
                                         milliseconds idle) {
  uint64_t sent = 0;
  for (;;) {
    expected<std::string> piece = std::string{};
    if (answer.flow)
      piece = co_await answer.flow();
    else
      piece = answer.pieces();
    if (!piece) {
      spdlog::warn("http event=download_cut reason=\"{}\"", piece.error().text);
      co_return asio::error::connection_aborted;
    }
    if (piece->empty())
      break;
    sent += piece->size();
    if (how == framed::chunked)
      *piece = chunk_of(*piece);
    if (auto error = co_await write_all(to, *piece, idle))
      co_return error;
    to.expires_never(); // a flow may wait longer than a reader may
  }
  if (how == framed::chunked)
    co_return co_await write_all(to, "0\r\n\r\n", idle);
  if (how == framed::length && sent != *answer.length)
    co_return asio::error::connection_aborted;
  co_return error_code{};
}

asio::awaitable<error_code> write_answer(stream& to, const response& answer, answer_style style,
                                         milliseconds idle) {
  bool streamed = answer.pieces || answer.flow;
  auto how = !streamed || answer.length ? framed::length : framed::chunked;
  if (how == framed::chunked && style.version == 10) {
    how = framed::until_close;
    style.then = after::close;
  }
  auto text = head_text(answer, style, how);
  if (!streamed && !style.head_only)
    text += answer.body;
  if (auto error = co_await write_all(to, text, idle))
    co_return error;
  to.expires_never();
  if (streamed && !style.head_only)
    co_return co_await write_pieces(to, answer, how, idle);
  co_return error_code{};
}

/// The handler's answer, or a problem in place of its exception. A client that broke off gets none.
asio::awaitable<std::optional<response>> ask_handler(const house& home, const request& asked,
                                                     body_reader& body) {
  try {
    co_return co_await home.handle(asked, body);
  } catch (const body_broken&) {
    co_return std::nullopt;
  } catch (const body_too_large& error) {
    co_return problem(413, error.what());
  } catch (const std::exception& error) {
    spdlog::error("http event=handler_failed target={} reason=\"{}\"", printable(asked.target, 200),
                  printable(error.what(), 200));
    co_return problem(500, "the server made a mistake; its log says more");
  }
}

/// The request behind a header, or the answer that refuses it.
std::variant<request, response> judge(const parser& reading, std::string_view raw,
                                      const peer& from) {
  const auto& head = reading.get();
  auto seen = framing_of(head.base());
  seen.folded = raw.find("\r\n ") != raw.npos || raw.find("\r\n\t") != raw.npos;
  if (auto wrong = judge_framing(seen))
    return problem(wrong->status, wrong->why);
  auto asked = parse_target(std::string{head.method_string()}, std::string{head.target()});
  if (!asked)
    return problem(400, asked.error().text);
  if (auto length = reading.content_length())
    asked->content_length = *length;
  asked->from = from;
  asked->fields = kept_fields(head);
  return std::move(*asked);
}

/// Reads to the end of the header and keeps it as it came, for what the parser doesn't tell.
asio::awaitable<error_code> read_header(stream& from, beast::flat_buffer& buffer, parser& into,
                                        std::string& raw) {
  for (;;) {
    error_code error;
    if (buffer.size() > 0) {
      auto bytes = buffer.data();
      auto taken = into.put(bytes, error);
      raw.append(static_cast<const char*>(bytes.data()), taken);
      buffer.consume(taken);
      if ((error && error != bhttp::error::need_more) || into.is_header_done())
        co_return error;
    }
    auto room =
      buffer.prepare(std::min(limits::log_chunk_bytes, buffer.max_size() - buffer.size()));
    auto [failed, count] = co_await from.async_read_some(room, asio::as_tuple(use_awaitable));
    buffer.commit(count);
    if (failed == asio::error::eof && into.got_some()) {
      into.put_eof(error);
      co_return error ? error : make_error_code(bhttp::error::partial_message);
    }
    if (failed)
      co_return failed == asio::error::eof ? make_error_code(bhttp::error::end_of_stream) : failed;
  }
}

/// One request and its answer; whether another may follow.
asio::awaitable<after> serve_one(stream& talk, beast::flat_buffer& buffer, const house& home,
                                 const peer& from) {
  parser reading;
  reading.header_limit(limits::http_header_bytes_max);
  reading.body_limit(limits::blob_bytes_max);
  talk.expires_after(home.idle);
  std::string raw;
  auto error = co_await read_header(talk, buffer, reading, raw);
  stream_body body{talk, buffer, reading, home};
  if (error) {
    // Errors of the socket (gone, silent) leave nobody to answer.
    if (error.category() == bhttp::make_error_code(bhttp::error::bad_method).category()
        && error != bhttp::error::end_of_stream && error != bhttp::error::partial_message) {
      answer_style last{11, false, after::close};
      if (!co_await write_answer(talk, parse_problem(error), last, home.idle))
        co_await body.linger();
    }
    co_return after::close;
  }
  auto begun = steady_clock::now();
  auto judged = judge(reading, raw, from);
  std::optional<response> answer;
  bool refused = std::holds_alternative<response>(judged);
  if (refused) {
    answer = std::move(std::get<response>(judged));
  } else {
    talk.expires_never();
    answer = co_await ask_handler(home, std::get<request>(judged), body);
  }
  if (!answer)
    co_return after::close;
  answer_style style;
  style.version = reading.get().version() == 10 ? 10 : 11;
  style.head_only = reading.get().method() == bhttp::verb::head;
  bool more = reading.keep_alive() && reading.is_done() && !refused;
  style.then = more ? after::keep : after::close;
  auto broken = co_await write_answer(talk, *answer, style, home.idle);
  spdlog::debug("http method={} target={} status={} ms={}",
                printable(std::string{reading.get().method_string()}, 20),
                printable(std::string{reading.get().target()}, 200), answer->status,
                (steady_clock::now() - begun) / std::chrono::milliseconds{1});
  if (!broken && !reading.is_done())
    co_await body.linger();
  bool until_close = (answer->pieces || answer->flow) && !answer->length && style.version == 10;
  co_return broken || until_close ? after::close : style.then;
}

asio::awaitable<void> session(stream talk, house home, peer from, seat) {
  beast::flat_buffer buffer{limits::http_buffer_bytes_max};
  try {
    while (co_await serve_one(talk, buffer, home, from) == after::keep) {
    }
  } catch (const std::exception& error) {
    spdlog::warn("http event=session_failed reason=\"{}\"", printable(error.what(), 200));
  }
  error_code ignored; // the peer may be gone already: the socket is closed in any case
  talk.socket().shutdown(asio::socket_base::shutdown_both, ignored);
}

/// One more than may be: it hears so, at once, and costs nothing further.
void turn_away(asio::generic::stream_protocol::socket guest) {
  auto answer = problem(503, "too many connections; try again in a moment");
  answer.fields.emplace_back("Retry-After", "1");
  auto text = head_text(answer, {11, false, after::close}, framed::length) + answer.body;
  error_code ignored; // it is turned away in any case
  guest.non_blocking(true, ignored);
  guest.write_some(asio::buffer(text.data(), text.size()), ignored);
}

template <class Acceptor>
asio::awaitable<void> accept_all(Acceptor& from, house home, size_t connections_max) {
  auto loop = co_await asio::this_coro::executor;
  for (;;) {
    auto [error, socket] = co_await from.async_accept(asio::as_tuple(use_awaitable));
    if (error == asio::error::operation_aborted)
      co_return;
    if (error) { // out of descriptors, mostly: others will close theirs
      spdlog::warn("http event=accept_failed reason=\"{}\"", error.message());
      asio::steady_timer pause{loop, limits::reconnect_first};
      co_await pause.async_wait(use_awaitable);
      continue;
    }
    peer seen;
    if constexpr (std::is_same_v<Acceptor, asio::ip::tcp::acceptor>) {
      error_code ignored; // without it answers are only later
      socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
      seen.address = socket.remote_endpoint(ignored).address().to_string();
    }
    if constexpr (std::is_same_v<Acceptor, asio::local::stream_protocol::acceptor>)
      seen.uid = peer_uid(socket.native_handle());
    asio::generic::stream_protocol::socket guest{std::move(socket)};
    if (*home.connections >= connections_max) {
      turn_away(std::move(guest));
      continue;
    }
    stream talk{std::move(guest)};
    asio::co_spawn(loop, session(std::move(talk), home, seen, seat{home.connections}),
                   asio::detached);
  }
}

void run_loop(asio::io_context& loop) {
  for (;;) {
    try {
      loop.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("http event=loop_exception reason=\"{}\"", printable(error.what(), 200));
    }
  }
}

} // namespace

server::server(std::unique_ptr<state> made) : state_{std::move(made)} {}

expected<std::unique_ptr<server>> server::start(server_settings settings) {
  auto made = std::make_unique<state>();
  made->settings = std::move(settings);
  auto& loop = *made->settings.loop;
  if (made->settings.port) {
    auto door = listen_tcp(loop, made->settings.address, *made->settings.port);
    if (!door)
      return door.error();
    made->port = door->local_endpoint().port();
    made->loopback.emplace(std::move(*door));
  }
  if (!made->settings.socket_path.empty()) {
    auto door = listen_unix(loop, made->settings.socket_path);
    if (!door)
      return door.error();
    made->local.emplace(std::move(*door));
  }
  house home{made->settings.handle, made->settings.idle_timeout, made->connections};
  auto most = made->settings.connections_max;
  if (made->local)
    asio::co_spawn(loop, accept_all(*made->local, home, most), asio::detached);
  if (made->loopback)
    asio::co_spawn(loop, accept_all(*made->loopback, home, most), asio::detached);
  made->thread = std::thread{[&loop] { run_loop(loop); }};
  return std::unique_ptr<server>{new server{std::move(made)}};
}

server::~server() {
  auto& loop = *state_->settings.loop;
  loop.stop();
  state_->thread.join();
  if (state_->local) {
    // First gone, then closed: a successor's socket at the same path must not be removed.
    ::unlink(state_->settings.socket_path.c_str());
  }
}

uint16_t server::port() const {
  return state_->port;
}

} // namespace drover::http
