// Where a builder's build would run if it were asked for now, or what it would wait for.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/schedule.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

core::host_offer offer_of(const host_view& host) {
  return {host.record.name,
          host.state,
          host.state == host_state::up ? "" : host.reason,
          host.record.slots,
          host.slots_used,
          traits_of(host.record.facts, host.record.labels),
          {}};
}

const char* placement_word(placement_kind kind) {
  switch (kind) {
  case placement_kind::any:
    return "any";
  case placement_kind::each_host:
    return "each host";
  case placement_kind::each_class:
    return "each class";
  }
  return "any";
}

/// Hosts that serve the requirement, by name, with their state.
json serving_hosts(const core::queue_entry& wanted, const std::vector<core::host_offer>& hosts) {
  auto out = json::array();
  for (const auto& host : hosts) {
    if (!wanted.needs.unmet(host.traits).empty())
      continue;
    auto row = json::object();
    row["name"] = host.name.value;
    row["state"] = std::string{to_string(host.state)};
    row["slots"] = {{"total", host.slots}, {"used", host.used}};
    out.push_back(std::move(row));
  }
  return out;
}

} // namespace

answer get_builder_where(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"host"}))
    co_return failure_answer(*wrong);
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  const builder_spec* builder = nullptr;
  for (const auto& each : (*live)->config.builders)
    if (each.name == call.captures[0])
      builder = &each;
  if (builder == nullptr)
    co_return failure_answer(
      {ec::not_found,
       "there is no builder '" + printable(call.captures[0], 80) + "' in the configuration"});
  auto views = co_await ask<std::vector<host_view>>(call.api.parts.door, call.api.parts.coordinator,
                                                    limits::request_timeout, hosts_query{});
  if (!views)
    co_return failure_answer(views.error());
  std::vector<core::host_offer> hosts;
  for (const auto& view : *views)
    hosts.push_back(offer_of(view));
  build_file imagined;
  imagined.build.builder = builder->name;
  imagined.build.pinned = {call.asked.parameter("host").value_or("")};
  imagined.recipe = *builder;
  std::vector<core::queue_entry> queue{core::to_queue_entry(imagined)};
  auto plan = core::make_plan(queue, hosts);
  auto out = json::object();
  out["builder"] = builder->name;
  out["on"] = placement_word(builder->on.kind);
  out["hosts"] = serving_hosts(queue.front(), hosts);
  out["host"] = nullptr;
  out["reason"] = nullptr;
  out["evidence"] = json::array();
  if (!plan.placements.empty())
    out["host"] = plan.placements.front().host.value;
  for (const auto& waits : plan.rest) {
    out["reason"] = waits.reason;
    out["evidence"] = waits.evidence;
  }
  co_return json_answer(out);
}

} // namespace drover::http
