// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/request.hpp"

#include "schema/names.hpp"

#include <algorithm>
#include <cctype>

namespace drover::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x))
           == std::tolower(static_cast<unsigned char>(y));
  });
}

failure bad_target(std::string_view target, std::string_view what) {
  return {ec::bad_input, "request target '" + printable(target, 80) + "': " + std::string{what}};
}

/// Fills `into.query` from "a=b&c=d"; says what is wrong, or nothing.
std::optional<std::string> parse_query(std::string_view text, request& into) {
  while (!text.empty()) {
    auto end = std::min(text.find('&'), text.size());
    auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty())
      continue;
    auto equals = std::min(item.find('='), item.size());
    auto name = percent_decode(item.substr(0, equals));
    auto value = percent_decode(item.substr(std::min(equals + 1, item.size())));
    if (!name || !value)
      return "a broken % escape in the query";
    if (!into.query.emplace(*name, *value).second)
      return "parameter '" + printable(*name, 40) + "' comes twice";
  }
  return std::nullopt;
}

} // namespace

std::optional<std::string> request::parameter(const std::string& name) const {
  auto found = query.find(name);
  if (found == query.end())
    return std::nullopt;
  return found->second;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size())
      return std::nullopt;
    auto high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0)
      return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 128 && std::isalnum(byte)) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

expected<request> parse_target(std::string_view method, std::string_view target) {
  request out;
  out.method = std::string{method};
  out.target = std::string{target};
  if (target.empty() || target[0] != '/')
    return bad_target(target, "must begin with '/'");
  if (std::any_of(target.begin(), target.end(),
                  [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return bad_target(target, "has a space or a control character that is not escaped");
  auto question = std::min(target.find('?'), target.size());
  auto path = target.substr(1, question - 1);
  if (target.find('#') != std::string_view::npos)
    return bad_target(target, "a fragment has no meaning here");
  while (!path.empty()) {
    auto end = std::min(path.find('/'), path.size());
    auto segment = percent_decode(path.substr(0, end));
    if (!segment)
      return bad_target(target, "a broken % escape");
    if (segment->empty() || *segment == "." || *segment == "..")
      return bad_target(target, "an empty segment, '.' or '..'");
    out.path.push_back(std::move(*segment));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  if (auto wrong = parse_query(target.substr(std::min(question + 1, target.size())), out))
    return bad_target(target, *wrong);
  return out;
}

std::optional<refused_framing> judge_framing(const framing& seen) {
  if (seen.version != 10 && seen.version != 11)
    return refused_framing{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (seen.folded)
    return refused_framing{400, "a field goes on in a second line"};
  if (seen.host.size() > 1)
    return refused_framing{400, "more than one Host field"};
  if (seen.version == 11 && (seen.host.empty() || seen.host[0].empty()))
    return refused_framing{400, "the Host field is missing"};
  if (seen.version == 10 && (!seen.transfer_encoding.empty() || !seen.te.empty()))
    return refused_framing{400, "HTTP/1.0 knows no transfer codings"};
  if (!seen.transfer_encoding.empty() && !seen.content_length.empty())
    return refused_framing{400, "both Transfer-Encoding and Content-Length"};
  if (seen.content_length.size() > 1)
    return refused_framing{400, "more than one Content-Length field"};
  for (const auto& length : seen.content_length)
    if (length.empty() || !std::all_of(length.begin(), length.end(), is_digit))
      return refused_framing{400, "Content-Length is no plain number"};
  if (seen.transfer_encoding.size() > 1)
    return refused_framing{400, "more than one Transfer-Encoding field"};
  if (!seen.transfer_encoding.empty() && !equal_ignoring_case(seen.transfer_encoding[0], "chunked"))
    return refused_framing{501, "no Transfer-Encoding but chunked is understood"};
  for (const auto& value : seen.te)
    if (!equal_ignoring_case(value, "chunked"))
      return refused_framing{400, "no TE but chunked is understood"};
  for (const auto& value : seen.expect)
    if (!equal_ignoring_case(value, "100-continue"))
      return refused_framing{417, "no Expect but 100-continue is understood"};
  return std::nullopt;
}

} // namespace drover::http
