// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/up_probe.hpp"

#include "tools/drover/client.hpp"

#include <nlohmann/json.hpp>

namespace drover::cli {

farm_seen probe_farm(const std::string& socket) {
  farm_address address;
  address.socket = socket;
  address.text = socket;
  client farm{address};
  farm_seen seen;
  auto ready = farm.get("/readyz");
  seen.ready = ready && ready->ok();
  if (!seen.ready)
    return seen;
  auto hosts = farm.get("/api/v1/hosts");
  if (!hosts || !hosts->ok())
    return seen;
  auto list = nlohmann::json::parse(hosts->body, nullptr, false);
  if (!list.is_object())
    return seen;
  for (const auto& host : list.value("hosts", nlohmann::json::array())) {
    if (host.value("state", "") == "up")
      seen.hosts_up.push_back(host.value("name", ""));
  }
  return seen;
}

} // namespace drover::cli
