// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/browser.hpp"

#include "schema/limits_access.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <cctype>

namespace drover::http {

namespace {

std::string_view trimmed(std::string_view text) {
  auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out;
  for (char c : text)
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string field(const request& asked, const char* name) {
  auto found = asked.fields.find(name);
  return found == asked.fields.end() ? std::string{} : found->second;
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address.substr(0, 4) == "127.";
}

/// "https://farm.example:8443/x" -> "https" and "farm.example:8443"; empty: it is none.
struct site_name {
  std::string scheme, authority;
};
site_name site_of(std::string_view url) {
  auto colon = url.find("://");
  if (colon == std::string_view::npos)
    return {};
  auto rest = url.substr(colon + 3);
  return {lower(url.substr(0, colon)), lower(rest.substr(0, rest.find_first_of("/?#")))};
}

std::optional<std::string> form_decode(std::string_view text) {
  std::string plain{text};
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return percent_decode(plain);
}

} // namespace

way_in way_of(const request& asked) {
  way_in out;
  out.address = asked.from.address;
  if (!is_loopback(out.address))
    return out;
  out.tls = lower(trimmed(field(asked, "x-forwarded-proto"))) == "https";
  // The last entry is the proxy's own; those before it are what the client says.
  auto all = field(asked, "x-forwarded-for");
  auto last = trimmed(std::string_view{all}.substr(all.rfind(',') + 1)); // npos + 1 is 0
  out.shared = last.empty();
  if (!last.empty())
    out.address = printable(last, limits::name_bytes_max);
  return out;
}

std::optional<std::string> cookie_of(std::string_view field, std::string_view name) {
  if (field.size() > limits::cookie_bytes_max)
    return std::nullopt;
  std::optional<std::string> out;
  while (!field.empty()) {
    auto end = std::min(field.find(';'), field.size());
    auto item = trimmed(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    auto equals = item.find('=');
    if (equals == std::string_view::npos || item.substr(0, equals) != name)
      continue;
    if (out)
      return std::nullopt;
    out = std::string{item.substr(equals + 1)};
  }
  return out;
}

std::string cookie_name(const request& asked) {
  if (way_of(asked).tls)
    return "__Host-drover";
  auto host = field(asked, "host");
  auto colon = host.rfind(':');
  auto port = colon == std::string::npos ? std::string{} : host.substr(colon + 1);
  auto is_number = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? "drover-" + port : "drover";
}

std::string cookie_field(const request& asked, std::string_view value, int64_t seconds) {
  return cookie_name(asked) + "=" + std::string{value}
         + "; Path=/; Max-Age=" + std::to_string(seconds) + "; HttpOnly; SameSite=Lax"
         + (way_of(asked).tls ? "; Secure" : "");
}

std::optional<std::string> origin_problem(const request& asked) {
  auto said = field(asked, "origin");
  if (said.empty())
    said = field(asked, "referer");
  if (said.empty())
    return "the browser does not say which page the form is from (no Origin, no Referer)";
  auto from = site_of(said);
  auto here = lower(field(asked, "host"));
  auto plain = way_of(asked).tls && from.scheme != "https";
  if (from.authority.empty() || from.authority != here || plain)
    return "the form is from '" + printable(said, 80) + "' and not from this farm's pages";
  return std::nullopt;
}

expected<form> parse_form(std::string_view text) {
  form out;
  while (!text.empty()) {
    auto end = std::min(text.find('&'), text.size());
    auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto equals = std::min(item.find('='), item.size());
    auto name = form_decode(item.substr(0, equals));
    auto value = form_decode(item.substr(std::min(equals + 1, item.size())));
    if (!name || !value)
      return failure{ec::bad_input, "form: a broken % escape"};
    if (out.size() >= limits::form_fields_max)
      return failure{ec::bad_input,
                     "form: more than " + std::to_string(limits::form_fields_max) + " fields"};
    if (!out.emplace(*name, *value).second)
      return failure{ec::bad_input, "form: field '" + printable(*name, 40) + "' comes twice"};
  }
  return out;
}

std::string field_of(const form& sent, const std::string& name) {
  auto found = sent.find(name);
  return found == sent.end() ? std::string{} : std::string{trimmed(found->second)};
}

std::string safe_next(const std::string& path) {
  auto bad = path.empty() || path[0] != '/' || path.size() > limits::cookie_bytes_max
             || (path.size() > 1 && (path[1] == '/' || path[1] == '\\'))
             || std::any_of(path.begin(), path.end(), [](char c) {
                  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\';
                });
  return bad ? "/" : path;
}

} // namespace drover::http
