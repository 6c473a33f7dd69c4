// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/address.hpp"

#include "schema/names.hpp"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace drover::cli {

namespace {

std::string profile_folder(const surroundings& around) {
  if (auto folder = around.environment("XDG_CONFIG_HOME"); folder && !folder->empty())
    return *folder + "/drover";
  return around.environment("HOME").value_or("") + "/.config/drover";
}

bool begins_with(const std::string& text, std::string_view with) {
  return text.compare(0, with.size(), with) == 0;
}

failure bad_address(const std::string& text, const std::string& what) {
  return {ec::bad_input, "farm address '" + printable(text, 200) + "': " + what};
}

} // namespace

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
  if (begins_with(text, "https://"))
    return bad_address(text, "this drover does not speak https yet; use the socket's path or"
                             " http://127.0.0.1:PORT");
  if (!begins_with(text, "http://")) {
    if (text.find("://") != std::string::npos)
      return bad_address(text, "is neither a socket's path nor http://127.0.0.1:PORT");
    out.socket = around.is_folder(text) ? text + "/drover.sock" : text;
    return out;
  }
  auto rest = text.substr(std::string_view{"http://"}.size());
  if (!rest.empty() && rest.back() == '/')
    rest.pop_back();
  auto colon = rest.find(':');
  auto host = rest.substr(0, colon);
  if (host != "127.0.0.1" && host != "localhost")
    return bad_address(text, "plain http is for this machine only; write http://127.0.0.1:PORT");
  auto port = colon == std::string::npos ? "" : rest.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc{} || end != port.data() + port.size() || out.port == 0)
    return bad_address(text, "needs a port, as in http://127.0.0.1:8787");
  return out;
}

expected<farm_address> find_farm(const std::string& flag, const surroundings& around) {
  auto text = flag;
  if (text.empty())
    text = around.environment("DROVER_FARM").value_or("");
  if (text.empty())
    text = around.first_line(profile_folder(around) + "/farm").value_or("");
  if (text.empty())
    return failure{ec::bad_input,
                   "no farm named; give --farm ADDRESS, set DROVER_FARM, or write the address into "
                     + profile_folder(around) + "/farm (a farm of `drover up --dir D` is at "
                     + "D/drover.sock)"};
  auto out = parse_address(text, around);
  if (!out || !out->socket.empty())
    return out;
  out->token = around.environment("DROVER_TOKEN").value_or("");
  if (out->token.empty())
    out->token = around.first_line(profile_folder(around) + "/token").value_or("");
  if (out->token.empty())
    return failure{ec::bad_input, "farm address '" + printable(text, 200)
                                    + "': needs a token; set DROVER_TOKEN or write it into "
                                    + profile_folder(around) + "/token"};
  return out;
}

} // namespace drover::cli
