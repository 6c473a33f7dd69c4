// Orders to hosts; what the configuration says, and another one in force.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits_api.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace drover::http {

namespace {

std::optional<host_action> action_of(const std::string& text) {
  static const std::map<std::string, host_action> actions{{"drain", host_action::drain},
                                                          {"pause", host_action::pause},
                                                          {"resume", host_action::resume},
                                                          {"restart", host_action::restart},
                                                          {"forget", host_action::forget}};
  auto found = actions.find(text);
  if (found == actions.end())
    return std::nullopt;
  return found->second;
}

using last_builds = std::map<std::string, build_record>;

/// The newest build of each builder, among the newest builds: history is not scanned to its end.
expected<last_builds> find_last(const storage::store& store, std::set<std::string> builders) {
  last_builds out;
  build_id before;
  for (size_t looked = 0; looked < limits::builders_look_max && !builders.empty();) {
    auto page = storage::list_builds(store, before, limits::page_rows_max,
                                     [](const build_record&) { return true; });
    if (!page)
      return page.error();
    if (page->empty())
      break;
    looked += page->size();
    before = page->back().id;
    for (auto& build : *page)
      if (builders.erase(build.builder) > 0)
        out.emplace(build.builder, std::move(build));
  }
  return out;
}

json with_last(const builder_spec& builder, const last_builds& last) {
  auto out = json_of(builder);
  out["last"] = nullptr;
  auto found = last.find(builder.name);
  if (found == last.end())
    return out;
  out["last"] = json::object();
  out["last"]["build"] = found->second.id.value;
  out["last"]["state"] = std::string{to_string(found->second.state)};
  out["last"]["result"] = result_or_null(found->second.outcome);
  return out;
}

json with_files(const config_record& config) {
  auto out = json_of(config);
  auto files = json::object();
  for (const auto& [path, text] : config.files)
    files[path] = text;
  out["files"] = std::move(files);
  return out;
}

response mistakes_answer(const std::vector<config_mistake>& mistakes) {
  auto count = mistakes.size();
  auto out =
    problem(400, "the configuration has " + std::to_string(count)
                   + (count == 1 ? " mistake" : " mistakes") + "; what was in force stays so");
  auto body = json::parse(out.body);
  body["errors"] = json::array();
  for (const auto& each : mistakes)
    body["errors"].push_back({{"file", each.file},
                              {"line", each.line},
                              {"column", each.column},
                              {"message", each.message}});
  out.body = text_of(body);
  return out;
}

expected<response> generation_answer(const storage::store& store, uint64_t generation) {
  auto config = storage::read_config(store, generation);
  if (!config)
    return config.error();
  if (!*config)
    return failure{ec::not_found, "configuration " + std::to_string(generation)
                                    + " is not kept (any more); see /api/v1/config/generations"};
  return json_answer(with_files(**config));
}

} // namespace

// -- hosts ---------------------------------------------------------------------------------------

response accepted_answer(const std::string& name, const std::string& text) {
  auto out = json::object();
  out["name"] = name;
  out["text"] = text;
  return json_answer(out, 202);
}

namespace {

/// Ends what a host proves itself by, at once.
answer revoke(api_call& call) {
  const auto& desk = call.api.parts.enrolment;
  if (!desk.enroller)
    co_return failure_answer({ec::unavailable, "this coordinator revokes no certificates"});
  revoke_host order{{call.captures[0]}, by_of(call), reason_parameter(call.asked)};
  auto done = co_await ask_for<accepted>(call.api.parts.door, desk.enroller,
                                         limits::request_timeout, std::move(order));
  if (!done)
    co_return failure_answer(done.error());
  co_return accepted_answer(call.captures[0], done->text);
}

} // namespace

answer post_host_order(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason", "for"}))
    co_return failure_answer(*wrong);
  if (call.captures[1] == "revoke")
    co_return co_await revoke(call);
  auto action = action_of(call.captures[1]);
  if (!action)
    co_return failure_answer(
      {ec::not_found, "'" + printable(call.captures[1], 40)
                        + "' is nothing that can be done with a host; there "
                          "are drain, pause, resume, restart, forget, revoke"});
  auto lasting = number_parameter(call.asked, "for", 0, limits::hold_seconds_max);
  if (!lasting)
    co_return failure_answer(lasting.error());
  if (*lasting > 0 && *action != host_action::drain && *action != host_action::pause)
    co_return failure_answer({ec::bad_input, "parameter 'for' goes with drain and pause only"});
  host_order order{{call.captures[0]},
                   *action,
                   by_of(call),
                   reason_parameter(call.asked),
                   std::chrono::seconds{*lasting}};
  auto done = co_await ask_for<accepted>(call.api.parts.door, call.api.parts.coordinator,
                                         limits::request_timeout, std::move(order));
  if (!done)
    co_return failure_answer(done.error());
  co_return accepted_answer(call.captures[0], done->text);
}

// -- builders ------------------------------------------------------------------------------------

answer get_builders(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  std::set<std::string> names;
  for (const auto& builder : (*live)->config.builders)
    names.insert(builder.name);
  auto last = find_last(*call.api.parts.store, std::move(names));
  if (!last)
    co_return failure_answer(last.error());
  auto out = json::object();
  out["generation"] = (*live)->generation;
  out["builders"] = json::array();
  for (const auto& builder : (*live)->config.builders)
    out["builders"].push_back(with_last(builder, *last));
  co_return json_answer(out);
}

answer get_builder(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  for (const auto& builder : (*live)->config.builders) {
    if (builder.name != call.captures[0])
      continue;
    auto last = find_last(*call.api.parts.store, {builder.name});
    if (!last)
      co_return failure_answer(last.error());
    co_return json_answer(with_last(builder, *last));
  }
  co_return failure_answer({ec::not_found, "there is no builder '" + printable(call.captures[0], 80)
                                             + "' in the configuration"});
}

// -- configurations ------------------------------------------------------------------------------

answer get_config(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  auto found = generation_answer(*call.api.parts.store, (*live)->generation);
  co_return found ? std::move(*found) : failure_answer(found.error());
}

answer get_generations(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto configs = storage::list_configs(*call.api.parts.store, limits::config_generations_kept);
  if (!configs)
    co_return failure_answer(configs.error());
  auto out = json::object();
  out["generations"] = json::array();
  for (const auto& config : *configs)
    out["generations"].push_back(json_of(config));
  co_return json_answer(out);
}

answer get_generation(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto id = parse_build_id(call.captures[0]); // a plain number, as builds have
  if (!id)
    co_return failure_answer(
      {ec::not_found, "'" + printable(call.captures[0], 40) + "' is no generation's number"});
  auto found = generation_answer(*call.api.parts.store, id->value);
  co_return found ? std::move(*found) : failure_answer(found.error());
}

answer post_reload(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  auto by = by_of(call);
  auto reading = call.api.parts.read_config(by);
  if (!reading.request)
    co_return mistakes_answer(reading.mistakes);
  auto done = co_await ask_for<accepted>(call.api.parts.door, call.api.parts.coordinator,
                                         limits::request_timeout, std::move(*reading.request));
  if (!done)
    co_return failure_answer(done.error());
  auto live = co_await ask_config(call.api.parts);
  if (!live)
    co_return failure_answer(live.error());
  auto out = json::object();
  out["text"] = done->text;
  out["generation"] = (*live)->generation;
  co_return json_answer(out, 202);
}

} // namespace drover::http
