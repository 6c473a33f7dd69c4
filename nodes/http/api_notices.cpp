// What people were told, or are to be; trying it again; a notice to see whether one arrives.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"
#include "storage/notices.hpp"

#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

json json_of(const notice_record& notice) {
  auto out = json::object();
  out["id"] = notice.id;
  out["reporter"] = notice.reporter;
  out["kind"] = std::string{to_string(notice.kind)};
  out["state"] = std::string{to_string(notice.state)};
  out["subject"] = notice.subject;
  out["to"] = notice.to;
  out["thread"] = notice.thread;
  out["event"] = notice.event == 0 ? json(nullptr) : json(notice.event);
  out["build"] = notice.build.value == 0 ? json(nullptr) : json(notice.build.value);
  out["campaign"] = notice.campaign.value == 0 ? json(nullptr) : json(to_string(notice.campaign));
  out["builder"] = text_or_null(notice.builder);
  out["host"] = text_or_null(notice.host.value);
  out["tries"] = notice.tries;
  out["last_error"] = text_or_null(notice.last_error);
  out["made_at"] = time_or_null(notice.made_at);
  out["next_try"] = time_or_null(notice.next_try);
  out["done_at"] = time_or_null(notice.done_at);
  return out;
}

std::optional<notice_state> parse_state(const std::string& text) {
  for (auto state : {notice_state::waiting, notice_state::delivered, notice_state::failed})
    if (text == to_string(state))
      return state;
  return std::nullopt;
}

expected<notice_record> find_notice(const api_call& call) {
  auto id = parse_build_id(call.captures[0]); // a plain number, as builds have
  if (!id)
    return failure{ec::not_found,
                   "'" + printable(call.captures[0], 40) + "' is no notice's number"};
  auto notice = storage::read_notice(*call.api.parts.store, id->value);
  if (!notice)
    return notice.error();
  if (!*notice)
    return failure{ec::not_found, "there is no notice " + std::to_string(id->value)};
  return std::move(**notice);
}

asio::awaitable<response> retry(api_call& call, uint64_t id, std::string name) {
  notice_retry order{id, by_of(call)};
  auto done = co_await ask_for<accepted>(call.api.parts.door, call.api.parts.outbox,
                                         limits::request_timeout, std::move(order));
  co_return done ? accepted_answer(name, done->text) : failure_answer(done.error());
}

} // namespace

answer get_notices(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"reporter", "state", "limit", "before"}))
    co_return failure_answer(*wrong);
  auto limit =
    number_parameter(call.asked, "limit", limits::page_rows_default, limits::page_rows_max);
  auto before = number_parameter(call.asked, "before", 0, UINT64_MAX);
  if (!limit || !before)
    co_return failure_answer(limit ? before.error() : limit.error());
  auto reporter = call.asked.parameter("reporter").value_or("");
  auto named = call.asked.parameter("state").value_or("");
  auto state = parse_state(named);
  if (!named.empty() && !state)
    co_return failure_answer({ec::bad_input, "parameter 'state' is '" + printable(named, 40)
                                               + "'; there are waiting, delivered, failed"});
  auto notices =
    storage::list_notices(*call.api.parts.store, *before, *limit, [&](const notice_record& notice) {
      return (reporter.empty() || notice.reporter == reporter)
             && (!state || notice.state == *state);
    });
  if (!notices)
    co_return failure_answer(notices.error());
  auto out = json::object();
  out["notices"] = json::array();
  for (const auto& notice : *notices)
    out["notices"].push_back(json_of(notice));
  bool more = !notices->empty() && notices->size() == *limit;
  out["next"] = more ? json(notices->back().id) : json(nullptr);
  co_return json_answer(out);
}

answer get_notice(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  auto notice = find_notice(call);
  if (!notice)
    co_return failure_answer(notice.error());
  auto out = json_of(*notice);
  out["text"] = notice->text;
  out["payload"] = json::parse(notice->payload, nullptr, false);
  if (out["payload"].is_discarded())
    out["payload"] = nullptr;
  co_return json_answer(out);
}

answer post_notice_retry(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  auto notice = find_notice(call);
  if (!notice)
    co_return failure_answer(notice.error());
  co_return co_await retry(call, notice->id, std::to_string(notice->id));
}

answer post_failed_notices_retry(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  co_return co_await retry(call, 0, "failed");
}

answer post_notice_test(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  notice_test order{call.captures[0], by_of(call)};
  auto made = co_await ask_for<uint64_t>(call.api.parts.door, call.api.parts.outbox,
                                         limits::request_timeout, std::move(order));
  if (!made)
    co_return failure_answer(made.error());
  auto out = json::object();
  out["id"] = *made;
  out["text"] = "notice " + std::to_string(*made) + " is on its way";
  co_return json_answer(out, 202);
}

} // namespace drover::http
