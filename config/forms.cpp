// SPDX-License-Identifier: Apache-2.0
#include "config/forms.hpp"

#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace drover {
namespace {

constexpr size_t shown_bytes_max = 60; // of a value in a message

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

} // namespace

bool bad_location(std::string_view text) {
  return text.empty() || text.front() == '-' || has_control(text);
}

bool address_ok(std::string_view address, const std::vector<std::string_view>& schemes) {
  auto colon = address.find("://");
  if (colon == std::string_view::npos
      || std::find(schemes.begin(), schemes.end(), address.substr(0, colon)) == schemes.end()
      || has_control(address) || address.find(' ') != std::string_view::npos)
    return false;
  auto authority = address.substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  auto port_at = authority.rfind(':');
  bool bracketed = !authority.empty() && authority.front() == '[';
  auto bracket = authority.find(']');
  if (bracketed && (bracket == std::string_view::npos || bracket == 1))
    return false;
  if (port_at == std::string_view::npos || (bracketed && port_at < bracket))
    return !authority.empty();
  auto digits = authority.substr(port_at + 1);
  uint32_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return port_at > 0 && error == std::errc{} && end == digits.data() + digits.size() && port > 0
         && port <= 65535;
}

bool mail_address_ok(std::string_view address) {
  auto at = address.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size()
         && address.find('@', at + 1) == std::string_view::npos && !has_control(address)
         && address.find_first_of(" ,;<>\"()") == std::string_view::npos;
}

bool channel_ok(std::string_view channel) {
  return channel.size() > 1 && std::string_view{"#&+!"}.find(channel.front()) != std::string::npos
         && !has_control(channel) && channel.find_first_of(" ,") == std::string_view::npos;
}

bool env_name_ok(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front())
         && std::all_of(name.begin(), name.end(),
                        [&letter](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string glob_problem(std::string_view glob) {
  if (glob.empty())
    return "is empty";
  if (glob.front() == '/')
    return fmt::format("'{}' begins with '/', it must lie below the workspace", shown(glob));
  if (has_control(glob))
    return fmt::format("'{}' has a control character", shown(glob));
  for (auto rest = glob;;) {
    auto slash = std::min(rest.find('/'), rest.size());
    if (rest.substr(0, slash) == "..")
      return fmt::format("'{}' has '..', it must lie below the workspace", shown(glob));
    if (slash == rest.size())
      return {};
    rest.remove_prefix(slash + 1);
  }
}

bool nick_ok(std::string_view nick) {
  return !bad_location(nick) && nick.find_first_of(" ,:#&@!") == std::string_view::npos;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

} // namespace drover
