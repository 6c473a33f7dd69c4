// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/address.hpp"

#include "schema/names.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace drover::cli {

namespace {

/// Where drover-coordinator.service has its socket.
constexpr const char* service_folder = "/run/drover";

constexpr std::string_view http_scheme = "http://", https_scheme = "https://";

bool begins_with(const std::string& text, std::string_view with) {
  return text.compare(0, with.size(), with) == 0;
}

failure bad_address(const std::string& text, const std::string& what) {
  return {ec::bad_input, "farm address '" + printable(text, 200) + "': " + what};
}

/// What stands behind "SCHEME://": a host, a port if there is one, a path without a final '/'.
struct url_parts {
  std::string host, port, path;
};

url_parts split_url(std::string rest) {
  url_parts out;
  auto slash = std::min(rest.find('/'), rest.size());
  out.path = rest.substr(slash);
  while (!out.path.empty() && out.path.back() == '/')
    out.path.pop_back();
  rest.resize(slash);
  auto colon = rest.rfind(':');
  if (colon != std::string::npos && rest.find(']', colon) == std::string::npos) {
    out.port = rest.substr(colon + 1);
    rest.resize(colon);
    if (out.port.empty())
      out.port = "?"; // a colon without a port is a mistake
  }
  if (rest.size() > 1 && rest.front() == '[' && rest.back() == ']')
    rest = rest.substr(1, rest.size() - 2);
  out.host = rest;
  return out;
}

std::optional<uint16_t> parse_port(const std::string& text) {
  uint16_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out == 0)
    return std::nullopt;
  return out;
}

/// Fit for a line of HTTP, and no user's name, query or fragment.
bool plain_text(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '@' && c != '?' && c != '#';
  });
}

expected<farm_address> parse_https(farm_address out) {
  auto parts = split_url(out.text.substr(https_scheme.size()));
  if (parts.host.empty() || !plain_text(parts.host) || !plain_text(parts.path))
    return bad_address(out.text, "write https://HOST, https://HOST:PORT or https://HOST/PATH");
  auto port = parts.port.empty() ? std::optional<uint16_t>{443} : parse_port(parts.port);
  if (!port)
    return bad_address(out.text, "has a wrong port; write https://HOST:PORT");
  out.tls = true;
  out.host = parts.host;
  out.port = *port;
  out.prefix = parts.path;
  return out;
}

expected<farm_address> parse_http(farm_address out) {
  auto parts = split_url(out.text.substr(http_scheme.size()));
  if (parts.host != "127.0.0.1" && parts.host != "localhost")
    return bad_address(out.text, "plain http is for this machine only; write http://127.0.0.1:PORT,"
                                 " or https://HOST");
  auto port = parse_port(parts.port);
  if (!port)
    return bad_address(out.text, "needs a port, as in http://127.0.0.1:8787");
  if (!plain_text(parts.path))
    return bad_address(out.text, "has a wrong path");
  out.host = "127.0.0.1";
  out.port = *port;
  out.prefix = parts.path;
  return out;
}

std::string find_token(const surroundings& around) {
  auto token = around.environment("DROVER_TOKEN").value_or("");
  if (!token.empty())
    return token;
  auto file = around.environment("DROVER_TOKEN_FILE").value_or("");
  return around.first_line(file.empty() ? profile_folder(around) + "/token" : file).value_or("");
}

std::string find_ca(const surroundings& around) {
  auto file = around.environment("DROVER_CA").value_or("");
  auto own = profile_folder(around) + "/ca.pem";
  return file.empty() && around.first_line(own) ? own : file;
}

} // namespace

std::string profile_folder(const surroundings& around) {
  if (auto folder = around.environment("XDG_CONFIG_HOME"); folder && !folder->empty())
    return *folder + "/drover";
  return around.environment("HOME").value_or("") + "/.config/drover";
}

surroundings real_surroundings() {
  surroundings out;
  out.environment = [](const char* name) -> std::optional<std::string> {
    auto* value = std::getenv(name);
    if (!value)
      return std::nullopt;
    return std::string{value};
  };
  out.first_line = [](const std::string& path) -> std::optional<std::string> {
    std::ifstream file{path};
    std::string line;
    if (!std::getline(file, line))
      return std::nullopt;
    return line;
  };
  out.is_folder = [](const std::string& path) {
    std::error_code ignored; // what can't be looked at is no folder of ours
    return std::filesystem::is_directory(path, ignored);
  };
  return out;
}

expected<farm_address> parse_address(const std::string& text, const surroundings& around) {
  farm_address out;
  out.text = text;
  if (text.empty())
    return bad_address(text, "is empty");
  if (begins_with(text, https_scheme))
    return parse_https(std::move(out));
  if (begins_with(text, http_scheme))
    return parse_http(std::move(out));
  if (text.find("://") != std::string::npos)
    return bad_address(text,
                       "is neither a socket's path nor http://127.0.0.1:PORT nor https://HOST");
  out.socket = around.is_folder(text) ? text + "/drover.sock" : text;
  return out;
}

expected<farm_address> find_farm(const std::string& flag, const surroundings& around) {
  auto text = flag;
  if (text.empty())
    text = around.environment("DROVER_FARM").value_or("");
  if (text.empty())
    text = around.first_line(profile_folder(around) + "/farm").value_or("");
  if (text.empty() && around.is_folder(service_folder))
    text = service_folder;
  if (text.empty())
    return failure{ec::bad_input,
                   "no farm named; give --farm ADDRESS, set DROVER_FARM, or write the address into "
                     + profile_folder(around) + "/farm (a farm of `drover up --dir D` is at "
                     + "D/drover.sock)"};
  auto out = parse_address(text, around);
  if (!out || !out->socket.empty())
    return out;
  out->token = find_token(around);
  if (out->token.empty())
    return failure{ec::bad_input, "farm address '" + printable(text, 200)
                                    + "': needs a token; set DROVER_TOKEN, or write it into "
                                    + profile_folder(around) + "/token (`drover admin token create`"
                                    + " on the coordinator's machine makes one)"};
  if (!plain_text(out->token))
    return failure{ec::bad_input, "the token has characters that no token has; is it one line?"};
  if (out->tls)
    out->ca = find_ca(around);
  return out;
}

} // namespace drover::cli
