#pragma once
// One HTTP request and its answer over any stream; for client.cpp and client_tls.cpp alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <sstream>

namespace drover::cli {

struct outgoing {
  boost::beast::http::verb method = boost::beast::http::verb::get;
  std::string target;
  const char* type = "";        ///< of the body
  std::optional<uint64_t> size; ///< of the body; nothing: none
  std::chrono::milliseconds patience = limits::client_patience;
};

/// The farm broke off or can't be reached; says where and why.
failure broken(const farm_address& to, const std::string& what, boost::system::error_code error);

/// Over TLS, verified (client_tls.cpp).
expected<reply> talk_tls(const farm_address& to, const outgoing& request, const byte_source& source,
                         const byte_sink& sink);

/// Talks over a stream that is connected already; every step has `request.patience` to move on.
template <class Stream>
class exchange {
  using error_code = boost::system::error_code;

public:
  exchange(const farm_address& to, const outgoing& request, boost::asio::io_context& loop,
           Stream& stream)
      : to_{to}, request_{request}, loop_{loop}, stream_{stream} {
    answer_.header_limit(limits::http_header_bytes_max);
    answer_.body_limit(boost::none);
  }

  template <class Start>
  error_code await(Start start) {
    error_code result = boost::asio::error::would_block;
    boost::beast::get_lowest_layer(stream_).expires_after(request_.patience);
    start([&result](error_code error, auto&&...) { result = error; });
    loop_.restart();
    loop_.run();
    return result;
  }

  std::optional<failure> send(const byte_source& source) {
    auto error = write(head_text());
    uint64_t sent = 0;
    while (!error && request_.size && sent < *request_.size) {
      auto piece = source();
      if (!piece)
        return piece.error();
      if (piece->empty() || sent + piece->size() > *request_.size)
        return failure{ec::io, "the file changed while it was sent; try again"};
      sent += piece->size();
      error = write(*piece);
    }
    // A farm that refuses an upload answers and reads no further: its answer tells more than this.
    if (error && sent == 0)
      return broken(to_, "broke off", error);
    return std::nullopt;
  }

  expected<reply> receive(const byte_sink& sink) {
    auto error = await([&](auto done) {
      boost::beast::http::async_read_header(stream_, buffer_, answer_,
                                            [done](error_code result, size_t) { done(result); });
    });
    if (error)
      return broken(to_, "gave no answer", error);
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
  std::string head_text() const {
    namespace http = boost::beast::http;
    http::request<http::empty_body> head{request_.method, to_.prefix + request_.target, 11};
    auto host = to_.tls ? to_.host + (to_.port == 443 ? "" : ":" + std::to_string(to_.port))
                        : std::string{"localhost"};
    head.set(http::field::host, host);
    head.set(http::field::user_agent, "drover");
    head.set(http::field::connection, "close");
    if (!to_.token.empty())
      head.set(http::field::authorization, "Bearer " + to_.token);
    if (request_.size) {
      head.set(http::field::content_type, request_.type);
      head.content_length(*request_.size);
    }
    std::ostringstream text;
    text << head.base();
    return text.str();
  }

  error_code write(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t written = 0;
      auto error = await([&](auto done) {
        stream_.async_write_some(boost::asio::buffer(bytes.data(), bytes.size()),
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
    namespace http = boost::beast::http;
    std::string piece(limits::blob_piece_bytes, '\0');
    while (!answer_.is_done()) {
      auto& body = answer_.get().body();
      body.data = piece.data();
      body.size = piece.size();
      auto error = await([&](auto done) {
        http::async_read_some(stream_, buffer_, answer_,
                              [done](error_code result, size_t) { done(result); });
      });
      if (error && error != http::error::need_buffer)
        return broken(to_, "broke off in the middle of its answer", error);
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

  const farm_address& to_;
  const outgoing& request_;
  boost::asio::io_context& loop_;
  Stream& stream_;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::response_parser<boost::beast::http::buffer_body> answer_;
};

} // namespace drover::cli
