// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/event_filter.hpp"

#include "schema/limits_api.hpp"
#include "schema/names.hpp"

namespace drover::http {

using std::chrono::steady_clock;

bool event_filter::wants(const event_record& event) const {
  return (kinds.empty() || kinds.contains(event.kind)) && (build.value == 0 || event.build == build)
         && (campaign.value == 0 || event.campaign == campaign)
         && (builder.empty() || event.builder == builder)
         && (host.empty() || event.host.value == host) && (by.empty() || event.by == by);
}

expected<event_filter> event_filter_of(const request& asked) {
  event_filter out;
  std::string_view kinds;
  auto kind_text = asked.parameter("kind").value_or("");
  for (kinds = kind_text; !kinds.empty();) {
    auto end = std::min(kinds.find(','), kinds.size());
    auto kind = parse_event_kind(kinds.substr(0, end));
    if (!kind)
      return failure{ec::bad_input, "parameter 'kind': '" + printable(kinds.substr(0, end), 40)
                                      + "' is no kind of event; docs/API.md has them all"};
    out.kinds.insert(*kind);
    kinds.remove_prefix(std::min(end + 1, kinds.size()));
  }
  if (auto text = asked.parameter("build")) {
    auto id = parse_build_id(*text);
    if (!id)
      return failure{ec::bad_input, "parameter 'build' is no build's number"};
    out.build = *id;
  }
  if (auto text = asked.parameter("campaign")) {
    auto id = parse_campaign_id(*text);
    if (!id)
      return failure{ec::bad_input, "parameter 'campaign' is no campaign's id"};
    out.campaign = *id;
  }
  out.builder = asked.parameter("builder").value_or("");
  out.host = asked.parameter("host").value_or("");
  out.by = asked.parameter("by").value_or("");
  return out;
}

asio::awaitable<expected<storage::event_page>>
search_events(const api_context& api, const event_filter& filter, event_span span) {
  auto until = steady_clock::now() + limits::event_search_max;
  storage::event_page out;
  out.seen = span.after;
  while (out.events.size() < span.rows) {
    auto page = storage::read_events(
      *api.parts.store, out.seen, span.rows - out.events.size(), limits::event_look_max,
      [&](const event_record& event) { return filter.wants(event); });
    if (!page)
      co_return page.error();
    bool at_end = page->seen == out.seen;
    out.seen = page->seen;
    for (auto& event : page->events)
      out.events.push_back(std::move(event));
    if (at_end || steady_clock::now() >= until)
      break;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  co_return out;
}

asio::awaitable<expected<uint64_t>> wait_for_event(api_context& api, uint64_t after,
                                                   milliseconds patience) {
  event_wait query{after, patience};
  co_return co_await ask<uint64_t>(api.parts.door, api.parts.recorder,
                                   patience + limits::request_timeout, query);
}

} // namespace drover::http
