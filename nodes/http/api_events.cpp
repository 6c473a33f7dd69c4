// The journal: pages of it, and a stream that goes on.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/event_filter.hpp"
#include "nodes/http/sessions.hpp"
#include "schema/limits_api.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace drover::http {

namespace {

using std::chrono::steady_clock;

/// The newest `rows` that fit, oldest first: from window to window, backwards.
asio::awaitable<expected<storage::event_page>>
newest_events(const api_context& api, const event_filter& filter, size_t rows) {
  auto last = storage::last_event(*api.parts.store);
  auto first = storage::first_event(*api.parts.store);
  if (!last || !first)
    co_return last ? first.error() : last.error();
  storage::event_page out;
  out.seen = *last;
  auto until = steady_clock::now() + limits::event_search_max;
  for (auto end = *last; end >= *first && end > 0 && out.events.size() < rows;) {
    auto after = end - std::min<uint64_t>(end, limits::event_look_max);
    auto page = storage::read_events(
      *api.parts.store, after, limits::event_look_max, end - after,
      [&](const event_record& event) { return event.sequence <= end && filter.wants(event); });
    if (!page)
      co_return page.error();
    for (auto at = page->events.rbegin(); at != page->events.rend() && out.events.size() < rows;
         ++at)
      out.events.push_back(std::move(*at));
    end = after;
    if (steady_clock::now() >= until)
      break;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  std::reverse(out.events.begin(), out.events.end());
  co_return out;
}

response page_answer(const storage::event_page& page, uint64_t last) {
  auto out = json::object();
  out["events"] = json::array();
  for (const auto& event : page.events)
    out["events"].push_back(json_of(event));
  out["next"] = page.seen;
  out["last"] = last;
  return json_answer(out);
}

// -- the stream ----------------------------------------------------------------------------------

/// What one subscriber has got so far. One batch of it is in memory.
struct subscription {
  api_context& api;
  caller who;
  event_filter filter;
  uint64_t seen = 0;
  steady_clock::time_point said = steady_clock::now();
};

std::string message(const event_record& event) {
  auto data = json_of(event).dump(-1, ' ', false, json::error_handler_t::replace);
  return "id: " + std::to_string(event.sequence) + "\nevent: " + std::string{to_string(event.kind)}
         + "\ndata: " + data + "\n\n";
}

/// Tells of events that were removed before the subscriber saw them; empty if there are none.
expected<std::string> gap(subscription& state) {
  auto first = storage::first_event(*state.api.parts.store);
  if (!first)
    return first.error();
  if (*first <= state.seen + 1)
    return std::string{};
  auto out = json::object();
  out["after"] = state.seen;
  out["first"] = *first;
  state.seen = *first - 1;
  return "id: " + std::to_string(state.seen) + "\nevent: gap\ndata: " + out.dump() + "\n\n";
}

/// Until when it may wait now: the next heartbeat, or the end of its token or session.
milliseconds patience_of(const subscription& state, const door_book& book) {
  auto due = state.said + limits::event_heartbeat - steady_clock::now();
  auto left = std::chrono::duration_cast<milliseconds>(due);
  if (state.who.until.ms != 0)
    left = std::min(left, milliseconds{state.who.until.ms - book.now.ms});
  return std::max(left, milliseconds{1});
}

/// The next piece of the stream; empty once the subscriber may not see it any more.
asio::awaitable<expected<std::string>> next_piece(std::shared_ptr<subscription> state) {
  for (;;) {
    auto book = book_of(state->api);
    if (!co_await still_holds(state->api.parts, state->who))
      co_return std::string{};
    auto text = gap(*state);
    if (!text)
      co_return text.error();
    auto page = co_await search_events(state->api, state->filter, {state->seen});
    if (!page)
      co_return page.error();
    bool moved = page->seen != state->seen;
    state->seen = page->seen;
    // What came while we looked may be the end of its rights.
    if (!co_await still_holds(state->api.parts, state->who))
      co_return std::string{};
    for (const auto& event : page->events)
      *text += message(event);
    if (text->empty() && steady_clock::now() >= state->said + limits::event_heartbeat)
      // An id without data moves the place from where a reader resumes, and is no event.
      *text = ": alive\nid: " + std::to_string(state->seen) + "\n\n";
    if (!text->empty()) {
      state->said = steady_clock::now();
      co_return std::move(*text);
    }
    if (moved)
      continue;
    auto last = co_await wait_for_event(state->api, state->seen, patience_of(*state, book));
    if (!last)
      co_return last.error();
  }
}

/// Where a stream begins: behind the event that the reader saw last, else now.
expected<uint64_t> begin_of(const api_call& call) {
  auto text = call.asked.parameter("after");
  auto field = call.asked.fields.find("last-event-id");
  if (field != call.asked.fields.end() && !field->second.empty())
    text = field->second;
  if (!text)
    return storage::last_event(*call.api.parts.store);
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size())
    return failure{ec::bad_input,
                   "'" + printable(*text, 40) + "' is no event's number; give 'after' one"};
  return value;
}

constexpr std::array filter_names{"kind", "build", "campaign", "builder", "host", "by"};

std::optional<failure> unknown_beside_filter(const request& asked,
                                             std::initializer_list<std::string_view> more) {
  request rest = asked;
  for (const auto* name : filter_names)
    rest.query.erase(name);
  return unknown_parameter(rest, more);
}

} // namespace

answer get_events(api_call& call) {
  if (auto wrong = unknown_beside_filter(call.asked, {"after", "limit", "tail", "wait"}))
    co_return failure_answer(*wrong);
  auto filter = event_filter_of(call.asked);
  auto after = number_parameter(call.asked, "after", 0, UINT64_MAX - 1);
  auto limit =
    number_parameter(call.asked, "limit", limits::page_rows_default, limits::event_rows_max);
  auto tail = number_parameter(call.asked, "tail", 0, limits::event_rows_max);
  auto wait = wait_parameter(call.asked);
  for (const auto* each : {&after, &limit, &tail})
    if (!*each)
      co_return failure_answer(each->error());
  if (!filter || !wait)
    co_return failure_answer(filter ? wait.error() : filter.error());
  if (call.asked.parameter("tail") && call.asked.parameter("after"))
    co_return failure_answer({ec::bad_input, "parameters 'after' and 'tail' exclude each other"});
  auto until = steady_clock::now() + wait->value_or(milliseconds{0});
  expected<storage::event_page> page = storage::event_page{};
  if (call.asked.parameter("tail"))
    page = co_await newest_events(call.api, *filter, *tail);
  else
    page = co_await search_events(call.api, *filter, {*after, *limit});
  for (;;) {
    if (!page)
      co_return failure_answer(page.error());
    auto last = storage::last_event(*call.api.parts.store);
    if (!last)
      co_return failure_answer(last.error());
    auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    if (!page->events.empty() || left <= milliseconds{0} || call.asked.parameter("tail"))
      co_return page_answer(*page, *last);
    auto news = co_await wait_for_event(call.api, page->seen, left);
    if (!news)
      co_return failure_answer(news.error());
    page = co_await search_events(call.api, *filter, {page->seen, *limit});
  }
}

answer get_event_stream(api_call& call) {
  if (auto wrong = unknown_beside_filter(call.asked, {"after"}))
    co_return failure_answer(*wrong);
  auto filter = event_filter_of(call.asked);
  auto begin = begin_of(call);
  if (!filter || !begin)
    co_return failure_answer(filter ? begin.error() : filter.error());
  auto state =
    std::make_shared<subscription>(subscription{call.api, call.who, std::move(*filter), *begin});
  response out;
  out.type = "text/event-stream";
  out.fields.emplace_back("X-Accel-Buffering", "no");
  out.flow = [state, greeted = false]() mutable -> asio::awaitable<expected<std::string>> {
    if (!std::exchange(greeted, true)) // at once, so that the reader knows that it is heard
      return [](uint64_t seen) -> asio::awaitable<expected<std::string>> {
        co_return "retry: 2000\nid: " + std::to_string(seen) + "\n\n";
      }(state->seen);
    return next_piece(state);
  };
  co_return out;
}

} // namespace drover::http
