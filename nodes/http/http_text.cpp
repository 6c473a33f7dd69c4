// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/http_text.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

namespace drover::http {

namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

/// Foreign text in a field could begin a new one.
std::string field_value(std::string_view text) {
  std::string out;
  for (char c : text)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      out += c;
  return out;
}

} // namespace

framing framing_of(const bhttp::request_header<>& head) {
  framing out;
  out.version = head.version();
  for (const auto& field : head) {
    auto value = std::string{field.value()};
    if (field.name() == bhttp::field::host)
      out.host.push_back(value);
    else if (field.name() == bhttp::field::transfer_encoding)
      out.transfer_encoding.push_back(value);
    else if (field.name() == bhttp::field::content_length)
      out.content_length.push_back(value);
    else if (field.name() == bhttp::field::te)
      out.te.push_back(value);
    else if (field.name() == bhttp::field::expect)
      out.expect.push_back(value);
  }
  return out;
}

std::map<std::string, std::string> kept_fields(const bhttp::request_header<>& head) {
  std::map<std::string, std::string> out;
  for (std::string_view name : {"authorization", "content-type", "cookie", "host", "last-event-id",
                                "origin", "referer", "x-forwarded-for", "x-forwarded-proto"}) {
    auto [each, end] = head.equal_range({name.data(), name.size()});
    for (; each != end; ++each) {
      auto [kept, is_first] = out.emplace(name, std::string{each->value()});
      // A proxy may add a field of its own behind the one that the client sent: one list.
      if (!is_first && name == "x-forwarded-for")
        kept->second += ", " + std::string{each->value()};
    }
  }
  return out;
}

response parse_problem(error_code error) {
  if (error == bhttp::error::header_limit)
    return problem(431, "the request's header is longer than "
                          + std::to_string(limits::http_header_bytes_max) + " bytes");
  if (error == bhttp::error::body_limit)
    return problem(413, "the body is longer than anything may be");
  return problem(400, "not a valid HTTP request: " + error.message());
}

std::string head_text(const response& answer, const answer_style& style, framed how) {
  bhttp::response<bhttp::empty_body> head{bhttp::int_to_status(answer.status), style.version};
  head.result(answer.status);
  head.set(bhttp::field::server, "drover");
  head.set(bhttp::field::cache_control, "no-store");
  head.set("X-Content-Type-Options", "nosniff");
  head.set(bhttp::field::content_type, answer.type);
  for (const auto& [name, value] : answer.fields)
    head.set(name, field_value(value));
  if (how == framed::chunked)
    head.chunked(true);
  else if (how == framed::length)
    head.content_length(answer.pieces ? *answer.length : answer.body.size());
  head.keep_alive(style.then == after::keep);
  std::ostringstream out;
  out << head.base();
  return out.str();
}

std::string chunk_of(const std::string& bytes) {
  std::ostringstream out;
  out << std::hex << bytes.size() << "\r\n" << bytes << "\r\n";
  return out.str();
}

response problem(unsigned status, std::string_view detail) {
  auto title = std::string{bhttp::obsolete_reason(bhttp::int_to_status(status))};
  nlohmann::ordered_json body{
    {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", std::string{detail}}};
  response out;
  out.status = status;
  out.type = "application/problem+json";
  out.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return out;
}

} // namespace drover::http
