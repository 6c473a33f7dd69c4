// The farm itself: campaigns, hosts, actors, health.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

std::vector<build_id> builds_of(const campaign_record& campaign) {
  std::vector<build_id> out;
  for (const auto& cell : campaign.cells)
    if (cell.build.value != 0)
      out.push_back(cell.build);
  return out;
}

expected<std::vector<build_record>> read_builds(const storage::store& store,
                                                const std::vector<build_id>& ids) {
  std::vector<build_record> out;
  for (auto id : ids) {
    auto build = storage::read_build(store, id);
    if (!build)
      return build.error();
    if (*build)
      out.push_back(std::move(**build));
  }
  return out;
}

const build_record* find(const std::vector<build_record>& builds, build_id id) {
  for (const auto& build : builds)
    if (id.value != 0 && build.id == id)
      return &build;
  return nullptr;
}

asio::awaitable<expected<std::vector<host_view>>> ask_hosts(api_context& api) {
  auto hosts = co_await ask<std::vector<host_view>>(api.parts.door, api.parts.coordinator,
                                                    limits::request_timeout, hosts_query{});
  if (!hosts)
    co_return hosts.error();
  for (auto& host : *hosts) {
    auto revoked = revocation_of(*api.parts.store, host);
    if (!revoked)
      co_return revoked.error();
    if (!revoked->empty())
      host.reason = *revoked;
  }
  co_return hosts;
}

asio::awaitable<expected<host_view>> ask_host(api_context& api, std::string name) {
  auto hosts = co_await ask_hosts(api);
  if (!hosts)
    co_return hosts.error();
  for (auto& host : *hosts)
    if (host.record.name.value == name)
      co_return std::move(host);
  co_return failure{ec::not_found, "there is no host '" + printable(name, 80) + "'"};
}

} // namespace

answer get_campaigns(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"limit", "before"}))
    co_return failure_answer(*wrong);
  auto limit =
    number_parameter(call.asked, "limit", limits::page_rows_default, limits::page_rows_max);
  if (!limit)
    co_return failure_answer(limit.error());
  auto before = parse_campaign_id(call.asked.parameter("before").value_or("c0"));
  if (!before && call.asked.parameter("before").value_or("c0") != "c0")
    co_return failure_answer({ec::bad_input, "parameter 'before' is no campaign's id"});
  auto campaigns =
    storage::list_campaigns(*call.api.parts.store, before.value_or(campaign_id{}), *limit);
  if (!campaigns)
    co_return failure_answer(campaigns.error());
  auto rows = json::array();
  json next = nullptr;
  for (const auto& campaign : *campaigns) {
    auto builds = read_builds(*call.api.parts.store, builds_of(campaign));
    if (!builds)
      co_return failure_answer(builds.error());
    auto row = json_of(campaign, judge_campaign(*builds));
    row["cells"] = campaign.cells.size();
    size_t over = 0;
    for (const auto& build : *builds)
      over += build.state == build_state::finished ? 1 : 0;
    row["finished"] = over;
    rows.push_back(std::move(row));
    if (rows.size() == *limit)
      next = to_string(campaign.id);
  }
  auto out = json::object();
  out["campaigns"] = std::move(rows);
  out["next"] = std::move(next);
  co_return json_answer(out);
}

answer get_campaign(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto id = parse_campaign_id(call.captures[0]);
  if (!id)
    co_return failure_answer(
      {ec::not_found, "'" + printable(call.captures[0], 40) + "' is no campaign's id"});
  auto campaign = storage::read_campaign(*call.api.parts.store, *id);
  if (!campaign)
    co_return failure_answer(campaign.error());
  if (!*campaign)
    co_return failure_answer({ec::not_found, "there is no campaign " + to_string(*id)});
  auto builds = read_builds(*call.api.parts.store, builds_of(**campaign));
  if (!builds)
    co_return failure_answer(builds.error());
  std::vector<build_id> open;
  for (const auto& build : *builds)
    if (build.state != build_state::finished)
      open.push_back(build.id);
  auto views = co_await ask_waiting(call.api, std::move(open));
  if (!views)
    co_return failure_answer(views.error());
  for (auto& build : *builds)
    merge(build, *views);
  auto out = json_of(**campaign, judge_campaign(*builds));
  auto cells = json::array();
  for (const auto& cell : (*campaign)->cells)
    cells.push_back(json_of(cell, find(*builds, cell.build)));
  out["cells"] = std::move(cells);
  co_return json_answer(out);
}

answer get_hosts(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto hosts = co_await ask_hosts(call.api);
  if (!hosts)
    co_return failure_answer(hosts.error());
  auto rows = json::array();
  for (const auto& host : *hosts)
    rows.push_back(json_of(host));
  auto out = json::object();
  out["hosts"] = std::move(rows);
  co_return json_answer(out);
}

answer get_host(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto host = co_await ask_host(call.api, call.captures[0]);
  if (!host)
    co_return failure_answer(host.error());
  co_return json_answer(json_of(*host));
}

answer get_actors(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"node"}))
    co_return failure_answer(*wrong);
  auto node = call.asked.parameter("node").value_or("");
  auto actors = co_await ask<std::vector<actor_entry>>(
    call.api.parts.door, call.api.parts.coordinator, limits::request_timeout, actors_query{});
  if (!actors)
    co_return failure_answer(actors.error());
  auto rows = json::array();
  for (const auto& actor : *actors)
    if (node.empty() || actor.node == node)
      rows.push_back(json_of(actor));
  if (rows.empty() && !node.empty())
    co_return failure_answer(
      {ec::not_found, "no actor lives on a node '" + printable(node, 80) + "'"});
  auto out = json::object();
  out["actors"] = std::move(rows);
  co_return json_answer(out);
}

answer get_farm(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  const auto& parts = call.api.parts;
  auto out = json::object();
  out["farm"] = parts.farm;
  out["version"] = parts.version;
  out["epoch"]["counter"] = parts.now.counter;
  // As text: 64 bits don't fit into the numbers of every reader of JSON.
  out["epoch"]["incarnation"] = std::to_string(parts.now.incarnation);
  co_return json_answer(out);
}

answer get_healthz(api_call&) {
  auto out = json::object();
  out["status"] = "ok";
  co_return json_answer(out);
}

answer get_readyz(api_call& call) {
  auto hosts = co_await ask<std::vector<host_view>>(call.api.parts.door, call.api.parts.coordinator,
                                                    limits::join_timeout, hosts_query{});
  if (!hosts)
    co_return failure_answer(hosts.error());
  auto out = json::object();
  out["status"] = "ready";
  co_return json_answer(out);
}

} // namespace drover::http
