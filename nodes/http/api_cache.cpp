// The step cache: what is kept, and dropping it.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "storage/cache_entries.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::http {

namespace {

json json_of(const cache_record& entry) {
  return {{"key", entry.key},
          {"builder", entry.builder},
          {"step", entry.step},
          {"build", entry.build.value},
          {"host", entry.host.value},
          {"size", entry.size},
          {"took_ms", entry.took_ms},
          {"uses", entry.uses},
          {"made_at", time_or_null(entry.made_at)},
          {"used_at", time_or_null(entry.used_at)},
          {"parts", entry.parts}};
}

answer drop(api_call& call, std::string key) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  cache_drop order{std::move(key), by_of(call)};
  auto what = order.key.empty() ? std::string{"all"} : order.key;
  auto done = co_await ask<expected<accepted>>(call.api.parts.door, call.api.parts.cache,
                                               limits::request_timeout, std::move(order));
  if (!done)
    co_return failure_answer({ec::unavailable, "the step cache did not answer; try again"});
  if (!*done)
    co_return failure_answer(done->error());
  co_return accepted_answer(what, (*done)->text);
}

} // namespace

answer get_cache(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto entries = storage::list_cache_entries(*call.api.parts.store);
  if (!entries)
    co_return failure_answer(entries.error());
  std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) {
    return a.used_at != b.used_at ? a.used_at > b.used_at : a.key < b.key;
  });
  uint64_t bytes = 0;
  auto out = json::object();
  out["entries"] = json::array();
  for (const auto& entry : *entries) {
    bytes += entry.size;
    out["entries"].push_back(json_of(entry));
  }
  out["bytes"] = bytes;
  co_return json_answer(out);
}

answer delete_cache(api_call& call) {
  return drop(call, {});
}

answer delete_cache_entry(api_call& call) {
  return drop(call, call.captures[0]);
}

} // namespace drover::http
