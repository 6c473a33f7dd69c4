// Builds: lists, one build, why it stands where it stands, cancelling.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::http {

namespace {

struct build_filter {
  std::string builder;
  std::optional<build_state> state;
  build_id before;
  size_t limit = limits::page_rows_default;
};

expected<build_filter> filter_of(const request& asked) {
  build_filter out;
  if (auto wrong = unknown_parameter(asked, {"builder", "state", "limit", "before"}))
    return *wrong;
  out.builder = asked.parameter("builder").value_or("");
  if (auto text = asked.parameter("state")) {
    for (auto state :
         {build_state::queued, build_state::waiting, build_state::running, build_state::finished})
      if (*text == to_string(state))
        out.state = state;
    if (!out.state)
      return failure{ec::bad_input, "parameter 'state': '" + printable(*text, 40)
                                      + "' is none of queued, waiting, running, finished"};
  }
  auto limit = number_parameter(asked, "limit", limits::page_rows_default, limits::page_rows_max);
  if (!limit)
    return limit.error();
  out.limit = *limit;
  if (auto text = asked.parameter("before")) {
    auto id = build_of(*text);
    if (!id)
      return id.error();
    out.before = *id;
  }
  return out;
}

/// Builds that are not over, newest first: the active set is short, history is not scanned.
expected<std::vector<build_record>> active_builds(const storage::store& store,
                                                  const build_filter& filter) {
  auto files = storage::read_active(store);
  if (!files)
    return files.error();
  std::vector<build_record> out;
  for (auto at = files->rbegin(); at != files->rend(); ++at) {
    if (filter.before.value != 0 && at->build.id >= filter.before)
      continue;
    if (filter.builder.empty() || at->build.builder == filter.builder)
      out.push_back(std::move(at->build));
  }
  return out;
}

expected<std::vector<build_record>> stored_builds(const storage::store& store,
                                                  const build_filter& filter) {
  if (filter.limit == 0)
    return std::vector<build_record>{};
  if (filter.state && *filter.state != build_state::finished)
    return active_builds(store, filter);
  return storage::list_builds(store, filter.before, filter.limit, [&](const build_record& build) {
    return (filter.builder.empty() || build.builder == filter.builder)
           && (!filter.state || build.state == *filter.state);
  });
}

std::vector<build_id> unfinished(const std::vector<build_record>& builds) {
  std::vector<build_id> out;
  for (const auto& build : builds)
    if (build.state != build_state::finished)
      out.push_back(build.id);
  return out;
}

/// The build that was asked for a second opinion on a red one, the newest of several; or null.
expected<json> opinion_on(const storage::store& store, const build_record& build) {
  if (build.state != build_state::finished || build.outcome == result::success)
    return json(nullptr);
  build_id before{build.id.value + limits::neighbours_searched_max};
  auto later = storage::list_builds(store, before, limits::neighbours_searched_max,
                                    [](const build_record&) { return true; });
  if (!later)
    return later.error();
  for (const auto& other : *later)
    if (other.opinion_of == build.id)
      return json(other.id.value);
  return json(nullptr);
}

/// Puts the coordinator's view over the record. It is the newer of the two.
asio::awaitable<std::optional<failure>> refresh(api_context& api, build_record& build) {
  if (build.state == build_state::finished)
    co_return std::nullopt;
  std::vector<build_id> asked{build.id};
  auto views = co_await ask_waiting(api, std::move(asked));
  if (!views)
    co_return views.error();
  merge(build, *views);
  co_return std::nullopt;
}

} // namespace

answer get_builds(api_call& call) {
  auto filter = filter_of(call.asked);
  if (!filter)
    co_return failure_answer(filter.error());
  auto builds = stored_builds(*call.api.parts.store, *filter);
  if (!builds)
    co_return failure_answer(builds.error());
  auto views = co_await ask_waiting(call.api, unfinished(*builds));
  if (!views)
    co_return failure_answer(views.error());
  auto rows = json::array();
  json next = nullptr;
  for (auto& build : *builds) {
    merge(build, *views);
    if (filter->state && build.state != *filter->state)
      continue;
    if (rows.size() == filter->limit)
      break;
    rows.push_back(json_of(build));
    if (rows.size() == filter->limit)
      next = build.id.value;
  }
  json out = json::object();
  out["builds"] = std::move(rows);
  out["next"] = std::move(next);
  co_return json_answer(out);
}

answer get_build(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"wait"}))
    co_return failure_answer(*wrong);
  auto wait = wait_parameter(call.asked);
  if (!wait)
    co_return failure_answer(wait.error());
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  if (*wait && file->build.state != build_state::finished) {
    over_query query{file->build.id, **wait};
    auto over = co_await ask<bool>(call.api.parts.door, call.api.parts.coordinator,
                                   **wait + limits::request_timeout, query);
    if (!over)
      co_return failure_answer(over.error());
    file = find_build(call.api, call.captures[0]);
    if (!file)
      co_return failure_answer(file.error());
  }
  auto wrong = co_await refresh(call.api, file->build);
  if (wrong)
    co_return failure_answer(*wrong);
  auto out = json_of(*file);
  auto opinion = opinion_on(*call.api.parts.store, file->build);
  if (!opinion)
    co_return failure_answer(opinion.error());
  out["opinion"] = *opinion;
  co_return json_answer(out);
}

answer post_cancel(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  auto file = find_build(call.api, call.captures[0]);
  if (!file)
    co_return failure_answer(file.error());
  if (auto wrong = force_problem(call, file->build.builder))
    co_return failure_answer(*wrong);
  if (file->build.state == build_state::finished)
    co_return failure_answer({ec::conflict, "build " + to_string(file->build.id)
                                              + " is over already; there is nothing to cancel"});
  auto by = by_of(call);
  auto reason = reason_parameter(call.asked);
  if (reason.empty())
    reason = "cancelled by " + by;
  cancel_build order{file->build.id, by, reason};
  auto done = co_await ask_for<accepted>(call.api.parts.door, call.api.parts.coordinator,
                                         limits::request_timeout, std::move(order));
  if (!done)
    co_return failure_answer(done.error());
  auto out = json::object();
  out["id"] = file->build.id.value;
  out["text"] = done->text;
  co_return json_answer(out, 202);
}

} // namespace drover::http
