// Submissions: POST /api/v1/builds.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "nodes/http/submission.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

/// Each tarball's content must be stored; its size is what the store says.
std::optional<failure> find_content(const storage::store& store, submission& wanted) {
  for (auto& order : wanted.orders) {
    if (order.source.sha256.empty())
      continue;
    auto size = storage::blob_size(store, order.source.sha256);
    if (!size)
      return size.error();
    if (!*size)
      return failure{ec::bad_input,
                     "source '" + printable(order.source.id, 80)
                       + "': no content with this sha256 is stored; upload it first"};
    order.source.size = **size;
  }
  return std::nullopt;
}

} // namespace

response submitted_answer(const submitted& made) {
  auto builds = json::array();
  for (auto id : made.builds)
    builds.push_back(id.value);
  auto out = json::object();
  bool campaign = made.campaign.value != 0;
  if (campaign)
    out["id"] = to_string(made.campaign);
  else if (!made.builds.empty())
    out["id"] = made.builds[0].value;
  else
    out["id"] = nullptr;
  out["campaign"] = nullptr;
  if (campaign)
    out["campaign"] = to_string(made.campaign);
  out["builds"] = std::move(builds);
  return json_answer(out, 201);
}

answer post_builds(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto text = co_await read_body(call, "the submission");
  auto wanted = parse_submission(text);
  if (!wanted)
    co_return failure_answer(wanted.error());
  for (const auto& order : wanted->orders)
    if (auto wrong = force_problem(call, order.builder))
      co_return failure_answer(*wrong);
  if (auto wrong = find_content(*call.api.parts.store, *wanted))
    co_return failure_answer(*wrong);
  wanted->by = by_of(call, wanted->by);
  submission order = std::move(*wanted);
  auto made = co_await ask_for<submitted>(call.api.parts.door, call.api.parts.coordinator,
                                          limits::request_timeout, std::move(order));
  if (!made)
    co_return failure_answer(made.error());
  co_return submitted_answer(*made);
}

answer post_retry(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  auto id = build_of(call.captures[0]);
  if (!id)
    co_return failure_answer(id.error());
  if (!call.who.builders.empty()) { // whose build it is matters
    auto file = find_build(call.api, call.captures[0]);
    auto wrong = file ? force_problem(call, file->build.builder) : std::optional{file.error()};
    if (wrong)
      co_return failure_answer(*wrong);
  }
  retry_build order{*id, by_of(call), reason_parameter(call.asked)};
  auto made = co_await ask_for<submitted>(call.api.parts.door, call.api.parts.coordinator,
                                          limits::request_timeout, std::move(order));
  if (!made)
    co_return failure_answer(made.error());
  co_return submitted_answer(*made);
}

} // namespace drover::http
