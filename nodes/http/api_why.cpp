// Why: builds, hosts and campaigns explained. The words are made in actors/core/explain.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <chrono>

namespace drover::http {

namespace {

wall_time wall_now() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<milliseconds>(now).count()};
}

asio::awaitable<expected<std::vector<host_view>>> all_hosts(api_context& api) {
  co_return co_await ask<std::vector<host_view>>(api.parts.door, api.parts.coordinator,
                                                 limits::request_timeout, hosts_query{});
}

const host_view* find_host(const std::vector<host_view>& hosts, const host_name& name) {
  for (const auto& host : hosts)
    if (host.record.name == name)
      return &host;
  return nullptr;
}

json with_subject(const char* key, json subject, const explanation& why) {
  auto out = json::object();
  out[key] = std::move(subject);
  out.update(json_of(why));
  return out;
}

/// What only the coordinator knows of a build that is not over.
asio::awaitable<std::optional<failure>> ask_around(api_context& api, const build_file& file,
                                                   core::build_surroundings& around) {
  if (file.build.state == build_state::finished)
    co_return std::nullopt;
  auto hosts = co_await all_hosts(api);
  if (!hosts)
    co_return hosts.error();
  if (const auto* host = find_host(*hosts, file.build.host))
    around.host = *host;
  auto left = api.parts.room ? api.parts.room() : core::store_room{};
  if (core::judge(left) != core::room_level::plenty)
    around.short_of_room = core::room_sentence(left);
  auto live = co_await ask_config(api.parts);
  if (!live)
    co_return live.error();
  around.generation = *live ? (*live)->generation : 0;
  co_return std::nullopt;
}

} // namespace

answer get_build_why(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  std::vector<build_id> asked;
  if (file->build.state != build_state::finished)
    asked.push_back(file->build.id);
  auto views = co_await ask_waiting(call.api, std::move(asked));
  if (!views)
    co_return failure_answer(views.error());
  const waiting_view* now = nullptr;
  for (const auto& view : *views)
    if (view.build == file->build.id)
      now = &view;
  auto around = look_around(*call.api.parts.store, *file);
  around.now = wall_now();
  if (auto wrong = co_await ask_around(call.api, *file, around))
    co_return failure_answer(*wrong);
  auto why = core::explain_build(*file, now, around);
  co_return json_answer(with_subject("id", file->build.id.value, why));
}

answer get_host_why(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto hosts = co_await all_hosts(call.api);
  if (!hosts)
    co_return failure_answer(hosts.error());
  const auto* host = find_host(*hosts, {call.captures[0]});
  if (host == nullptr)
    co_return failure_answer(
      {ec::not_found, "there is no host '" + printable(call.captures[0], 80) + "'"});
  auto around = look_around(*call.api.parts.store, *host);
  around.now = wall_now();
  auto why = core::explain_host(*host, around);
  co_return json_answer(with_subject("name", host->record.name.value, why));
}

answer get_campaign_why(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto id = parse_campaign_id(call.captures[0]);
  if (!id)
    co_return failure_answer(
      {ec::not_found, "'" + printable(call.captures[0], 40) + "' is no campaign's id"});
  const auto& store = *call.api.parts.store;
  auto campaign = storage::read_campaign(store, *id);
  if (!campaign)
    co_return failure_answer(campaign.error());
  if (!*campaign)
    co_return failure_answer({ec::not_found, "there is no campaign " + to_string(*id)});
  std::vector<build_record> builds;
  std::vector<build_id> open;
  for (const auto& cell : (*campaign)->cells) {
    if (cell.build.value == 0)
      continue;
    auto build = storage::read_build(store, cell.build);
    if (!build)
      co_return failure_answer(build.error());
    if (!*build)
      continue;
    if ((*build)->state != build_state::finished)
      open.push_back(cell.build);
    builds.push_back(std::move(**build));
  }
  auto views = co_await ask_waiting(call.api, std::move(open));
  if (!views)
    co_return failure_answer(views.error());
  for (auto& build : builds)
    merge(build, *views);
  auto why = core::explain_campaign(**campaign, builds);
  co_return json_answer(with_subject("id", to_string(*id), why));
}

} // namespace drover::http
