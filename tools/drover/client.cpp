// The only file that instantiates Boost.Beast's client side, over one stream type.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/client.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace drover::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

/// One request and its answer. Every step has limits::client_patience to move on.
class exchange {
public:
  explicit exchange(const farm_address& to) : to_{to}, stream_{loop_} {
    answer_.header_limit(limits::http_header_bytes_max);
    answer_.body_limit(boost::none);
  }

  std::optional<failure> connect() {
    asio::generic::stream_protocol::endpoint where;
    if (to_.socket.empty()) {
      where = asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), to_.port};
    } else {
      try { // a path that is too long for a socket throws
        where = asio::local::stream_protocol::endpoint{to_.socket};
      } catch (const std::exception& error) {
        return failure{ec::bad_input,
                       "farm address '" + printable(to_.text, 200) + "': " + error.what()};
      }
    }
    auto error = await([&](auto done) { stream_.async_connect(where, done); });
    if (error)
      return broken("can't be reached", error);
    return std::nullopt;
  }

  std::optional<failure> send(bhttp::verb method, const std::string& target,
                              std::optional<uint64_t> size, const byte_source& source) {
    bhttp::request<bhttp::empty_body> head{method, target, 11};
    head.set(bhttp::field::host, "localhost");
    head.set(bhttp::field::user_agent, "drover");
    head.set(bhttp::field::connection, "close");
    if (!to_.token.empty())
      head.set(bhttp::field::authorization, "Bearer " + to_.token);
    if (size) {
      head.set(bhttp::field::content_type, "application/octet-stream");
      head.content_length(*size);
    }
    std::ostringstream text;
    text << head.base();
    auto error = write(text.str());
    uint64_t sent = 0;
    while (!error && size && sent < *size) {
      auto piece = source();
      if (!piece)
        return piece.error();
      if (piece->empty() || sent + piece->size() > *size)
        return failure{ec::io, "the file changed while it was sent; try again"};
      sent += piece->size();
      error = write(*piece);
    }
    // A farm that refuses an upload answers and reads no further: its answer tells more than this.
    if (error && sent == 0)
      return broken("broke off", error);
    return std::nullopt;
  }

  expected<reply> receive(const byte_sink& sink) {
    auto error = await([&](auto done) {
      bhttp::async_read_header(stream_, buffer_, answer_,
                               [done](error_code result, size_t) { done(result); });
    });
    if (error)
      return broken("gave no answer", error);
    reply out;
    out.status = answer_.get().result_int();
    for (const auto& field : answer_.get()) {
      auto name = std::string{field.name_string()};
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      out.fields[name] = std::string{field.value()};
    }
    auto wrong = receive_body(out, out.ok() ? sink : byte_sink{});
    if (wrong)
      return *wrong;
    return out;
  }

private:
  template <class Start>
  error_code await(Start start) {
    error_code result = asio::error::would_block;
    stream_.expires_after(limits::client_patience);
    start([&result](error_code error, auto&&...) { result = error; });
    loop_.restart();
    loop_.run();
    return result;
  }

  error_code write(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t written = 0;
      auto error = await([&](auto done) {
        stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                 [done, &written](error_code result, size_t count) {
                                   written = count;
                                   done(result);
                                 });
      });
      if (error)
        return error;
      bytes.remove_prefix(written);
    }
    return {};
  }

  std::optional<failure> receive_body(reply& out, const byte_sink& sink) {
    std::string piece(limits::blob_piece_bytes, '\0');
    while (!answer_.is_done()) {
      auto& body = answer_.get().body();
      body.data = piece.data();
      body.size = piece.size();
      auto error = await([&](auto done) {
        bhttp::async_read_some(stream_, buffer_, answer_,
                               [done](error_code result, size_t) { done(result); });
      });
      if (error && error != bhttp::error::need_buffer)
        return broken("broke off in the middle of its answer", error);
      std::string_view got{piece.data(), piece.size() - body.size};
      if (sink) {
        if (!got.empty() && !sink(got))
          return std::nullopt;
      } else if (out.body.size() + got.size() > limits::client_answer_bytes_max) {
        return failure{ec::refused, "the farm's answer is longer than this program can hold"};
      } else {
        out.body += got;
      }
    }
    return std::nullopt;
  }

  failure broken(const std::string& what, error_code error) const {
    auto text = "the farm at " + printable(to_.text, 200) + " " + what + ": " + error.message();
    if (error == asio::error::connection_refused || error == asio::error::not_found
        || error == boost::system::errc::no_such_file_or_directory)
      text += "; is it running? (`drover up --dir D` starts one)";
    return {ec::unavailable, text};
  }

  const farm_address& to_;
  asio::io_context loop_;
  beast::basic_stream<asio::generic::stream_protocol> stream_;
  beast::flat_buffer buffer_;
  bhttp::response_parser<bhttp::buffer_body> answer_;
};

struct outgoing {
  bhttp::verb method = bhttp::verb::get;
  std::string target;
  std::optional<uint64_t> size; ///< of the body; nothing: none
};

expected<reply> talk(const farm_address& to, const outgoing& request, const byte_source& source,
                     const byte_sink& sink) {
  exchange one{to};
  if (auto wrong = one.connect())
    return *wrong;
  if (auto wrong = one.send(request.method, request.target, request.size, source))
    return *wrong;
  return one.receive(sink);
}

} // namespace

std::string reply::field(const std::string& name) const {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

expected<reply> client::get(const std::string& target) {
  return get_to(target, nullptr);
}

expected<reply> client::get_to(const std::string& target, const byte_sink& sink) {
  return talk(address_, {bhttp::verb::get, target, std::nullopt}, nullptr, sink);
}

expected<reply> client::post(const std::string& target, const std::string& body) {
  return talk(
    address_, {bhttp::verb::post, target, body.size()},
    [&body]() -> expected<std::string> { return body; }, nullptr);
}

expected<reply> client::upload(const std::string& target, uint64_t size,
                               const byte_source& source) {
  return talk(address_, {bhttp::verb::post, target, size}, source, nullptr);
}

} // namespace drover::cli
