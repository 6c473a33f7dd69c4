// Sources and the changes that they noticed.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/notices.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace drover::http {

namespace {

json json_of(const source_spec& spec, const source_status& status) {
  auto out = json::object();
  out["name"] = spec.name;
  out["kind"] = std::string{to_string(spec.kind)};
  out["location"] = spec.location;
  out["match"] = text_or_null(spec.match);
  out["branches"] = spec.branches;
  out["cron"] = text_or_null(spec.cron);
  out["zone"] =
    spec.kind == source_kind::timer ? json(spec.zone.empty() ? "UTC" : spec.zone) : json(nullptr);
  out["of"] = text_or_null(spec.of);
  out["last_look"] = time_or_null(status.last_look);
  out["last_success"] = time_or_null(status.last_success);
  out["last_error"] = text_or_null(status.last_error);
  out["next_look"] = time_or_null(status.next_look);
  return out;
}

json json_of(const change_record& change) {
  auto out = json::object();
  out["id"] = change.id.value;
  out["source"] = change.source;
  out["ref"] = http::json_of(change.ref);
  out["branch"] = text_or_null(change.branch);
  out["author"] = text_or_null(core::author_name(change.author));
  out["title"] = change.title;
  out["note"] = text_or_null(change.note);
  out["covers"] = change.covers;
  out["made_at"] = time_or_null(change.made_at);
  out["seen_at"] = time_or_null(change.seen_at);
  out["campaign"] = change.campaign.value == 0 ? json(nullptr) : json(to_string(change.campaign));
  out["builds"] = json::array();
  for (auto build : change.builds)
    out["builds"].push_back(build.value);
  return out;
}

std::optional<change_id> parse_change(const std::string& text) {
  change_id id;
  auto end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, id.value);
  return read.ec == std::errc{} && read.ptr == end ? std::optional{id} : std::nullopt;
}

} // namespace

answer get_sources(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto config = co_await ask_config(call.api.parts);
  if (!config)
    co_return failure_answer(config.error());
  auto out = json::object();
  out["sources"] = json::array();
  for (const auto& spec : (*config)->config.sources) {
    auto status = storage::read_source_status(*call.api.parts.store, spec.name);
    if (!status)
      co_return failure_answer(status.error());
    out["sources"].push_back(json_of(spec, *status));
  }
  co_return json_answer(out);
}

answer post_look(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by"}))
    co_return failure_answer(*wrong);
  look_now order{call.captures[0], by_of(call)};
  auto done = co_await ask<expected<accepted>>(call.api.parts.door, call.api.parts.coordinator,
                                               limits::request_timeout, std::move(order));
  if (done && !*done)
    co_return failure_answer(done->error());
  // A first clone takes longer than a hook waits: the look goes on, and its status tells the rest.
  co_return accepted_answer(call.captures[0],
                            done ? (*done)->text : "it is being looked at; see the sources");
}

answer get_changes(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"source", "limit", "before"}))
    co_return failure_answer(*wrong);
  auto limit =
    number_parameter(call.asked, "limit", limits::page_rows_default, limits::page_rows_max);
  if (!limit)
    co_return failure_answer(limit.error());
  auto before = parse_change(call.asked.parameter("before").value_or("0"));
  if (!before)
    co_return failure_answer({ec::bad_input, "parameter 'before' is no change's number"});
  auto changes = storage::list_changes(*call.api.parts.store, *before, *limit,
                                       call.asked.parameter("source").value_or(""));
  if (!changes)
    co_return failure_answer(changes.error());
  auto out = json::object();
  out["changes"] = json::array();
  for (const auto& change : *changes)
    out["changes"].push_back(json_of(change));
  bool more = !changes->empty() && changes->size() == *limit;
  out["next"] = more ? json(changes->back().id.value) : json(nullptr);
  co_return json_answer(out);
}

answer get_change(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto id = parse_change(call.captures[0]);
  if (!id)
    co_return failure_answer(
      {ec::not_found, "'" + printable(call.captures[0], 40) + "' is no change's number"});
  auto change = storage::read_change(*call.api.parts.store, *id);
  if (!change)
    co_return failure_answer(change.error());
  if (!*change)
    co_return failure_answer({ec::not_found, "there is no change " + std::to_string(id->value)});
  co_return json_answer(json_of(**change));
}

} // namespace drover::http
