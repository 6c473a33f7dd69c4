#pragma once
// The text of HTTP around the sockets: a request's framing as Beast saw it, an answer's header.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/server.hpp"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

namespace drover::http {

enum class after : uint8_t { keep, close };
enum class framed : uint8_t { length, chunked, until_close };

struct answer_style {
  unsigned version = 11;
  bool head_only = false;
  after then = after::keep;
};

framing framing_of(const boost::beast::http::request_header<>& head);
/// The fields that handlers look at (request.hpp).
std::map<std::string, std::string> kept_fields(const boost::beast::http::request_header<>& head);
/// Why a request that Beast's parser refused was refused, as an answer.
response parse_problem(boost::system::error_code error);
/// Status line and fields, with the empty line that ends them.
std::string head_text(const response& answer, const answer_style& style, framed how);
/// `bytes` as one chunk of a chunked body.
std::string chunk_of(const std::string& bytes);

} // namespace drover::http
