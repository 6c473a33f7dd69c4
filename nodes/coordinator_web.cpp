// SPDX-License-Identifier: Apache-2.0
#include "nodes/coordinator_web.hpp"

#include "nodes/pages/pages.hpp"

#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <filesystem>
#include <optional>

namespace drover {

namespace {

struct place {
  std::string host; ///< without brackets
  uint16_t port = 0;
  bool loopback = false;
};

std::optional<place> place_of(const std::string& address) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return std::nullopt;
  place out;
  out.host = address.substr(0, colon);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  const char* end = address.data() + address.size();
  auto [stop, error] = std::from_chars(address.data() + colon + 1, end, out.port);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  boost::system::error_code wrong;
  auto numbers = boost::asio::ip::make_address(out.host, wrong);
  if (wrong)
    return std::nullopt;
  out.loopback = numbers.is_loopback();
  return out;
}

/// build/dev/bin/.. or /usr/bin/..: files that come with the program.
std::string asset_folder() {
  std::error_code unknown;
  auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return (program.parent_path().parent_path() / "share" / "drover" / "web").string();
}

} // namespace

expected<std::unique_ptr<web_door>>
web_door::open(const std::string& address, std::vector<std::string> names, http::api_parts parts) {
  auto where = place_of(address);
  if (!where)
    return failure{ec::bad_input, "--web " + address + ": give it as HOST:PORT, both as numbers"};
  auto made = std::make_unique<web_door>();
  made->loop_ = std::make_shared<boost::asio::io_context>(1);
  parts.door.loop = made->loop_;
  pages::site_parts site;
  site.farm = parts.farm;
  site.assets = asset_folder();
  site.loopback_only = where->loopback;
  site.names = std::move(names);
  site.desk = http::make_front_desk(parts);
  site.api = http::make_api(std::move(parts));
  http::server_settings settings;
  settings.loop = made->loop_;
  settings.address = where->host;
  settings.port = where->port;
  settings.handle = pages::make_pages(std::move(site));
  auto started = http::server::start(std::move(settings));
  if (!started)
    return started.error();
  made->server_ = std::move(*started);
  made->url_ = "http://" + address.substr(0, address.rfind(':')) + ":"
               + std::to_string(made->server_->port()) + "/";
  return made;
}

} // namespace drover
