// The router, and what all routes share.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/api.hpp"

#include "nodes/http/path_match.hpp"
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace drover::http {

namespace {

response no_token(std::string_view why) {
  auto refused = problem(401, why);
  refused.fields.emplace_back("WWW-Authenticate", "Bearer");
  return refused;
}

/// The role that is needed is named; so is what to do.
response not_allowed(const caller& who, role needed) {
  auto name = std::string{to_string(needed)};
  if (who.browser)
    return who.session.empty()
             ? problem(401, "sign in: this needs the role " + name)
             : problem(403, "this needs the role " + name + ", which your account has not");
  if (who.may == role::anyone)
    return no_token("this needs a token with the role " + name + ": Authorization: Bearer TOKEN");
  return problem(403, "this needs the role " + name + "; the token of "
                        + printable(who.name, limits::name_bytes_max) + " has the role "
                        + std::string{to_string(who.may)});
}

answer dispatch(api_context& api, const request& asked, body_reader& body) {
  std::string_view method = asked.method == "HEAD" ? "GET" : std::string_view{asked.method};
  std::string allowed;
  auto who = who_asks(asked, book_of(api));
  if (!who)
    co_return who.error().code == ec::refused ? no_token(who.error().text)
                                              : failure_answer(who.error());
  for (const auto& candidate : all_routes()) {
    auto captures = match_path(candidate.pattern, asked.path);
    if (!captures)
      continue;
    if (candidate.method == method) {
      if (who->may < candidate.needs)
        co_return not_allowed(*who, candidate.needs);
      api_call call{api, *who, asked, body, std::move(*captures)};
      co_return co_await candidate.serve(call);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string{candidate.method};
    if (candidate.method == "GET")
      allowed += ", HEAD";
  }
  // Who has no token learns nothing of what is there.
  if (who->may == role::anyone)
    co_return not_allowed(*who, role::view);
  if (allowed.empty())
    co_return problem(404, "no such address: " + printable(asked.target, 200)
                             + "; docs/API.md has them all");
  auto refused =
    problem(405, printable(asked.method, 20) + " is not possible here; use " + allowed);
  refused.fields.emplace_back("Allow", allowed);
  co_return refused;
}

unsigned status_of(ec code) {
  switch (code) {
  case ec::bad_input:
    return 400;
  case ec::not_found:
    return 404;
  case ec::refused:
    return 403;
  case ec::conflict:
    return 409;
  case ec::unavailable:
    return 503;
  case ec::damaged:
  case ec::io:
  case ec::internal:
    return 500;
  }
  return 500;
}

} // namespace

handler make_api(api_parts parts) {
  auto api = std::make_shared<api_context>();
  api->parts = std::move(parts);
  return [api](const request& asked, body_reader& body) { return dispatch(*api, asked, body); };
}

response json_answer(const json& value, unsigned status) {
  response out;
  out.status = status;
  out.body = text_of(value);
  return out;
}

response failure_answer(const failure& why) {
  return problem(status_of(why.code), why.text);
}

expected<uint64_t> number_parameter(const request& asked, const std::string& name,
                                    uint64_t otherwise, uint64_t most) {
  auto text = asked.parameter(name);
  if (!text)
    return otherwise;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value > most)
    return failure{ec::bad_input, "parameter '" + name + "': '" + printable(*text, 40)
                                    + "' is no number from 0 to " + std::to_string(most)};
  return value;
}

expected<std::optional<milliseconds>> wait_parameter(const request& asked) {
  auto text = asked.parameter("wait");
  if (!text)
    return std::optional<milliseconds>{};
  double seconds = 0;
  auto [end, error] =
    std::from_chars(text->data(), text->data() + text->size(), seconds, std::chars_format::fixed);
  if (error != std::errc{} || end != text->data() + text->size() || !(seconds >= 0))
    return failure{ec::bad_input,
                   "parameter 'wait': '" + printable(*text, 40) + "' is no number of seconds"};
  auto most = static_cast<double>(limits::http_wait_max / milliseconds{1});
  return std::optional{milliseconds{static_cast<int64_t>(std::min(seconds * 1000, most))}};
}

expected<bool> yes_parameter(const request& asked, const std::string& name, bool otherwise) {
  auto text = asked.parameter(name);
  if (!text)
    return otherwise;
  if (*text == "yes" || *text == "no")
    return *text == "yes";
  return failure{ec::bad_input,
                 "parameter '" + name + "': '" + printable(*text, 40) + "' is neither yes nor no"};
}

std::string reason_parameter(const request& asked) {
  return printable(asked.parameter("reason").value_or(""), limits::reason_bytes_max);
}

std::string by_of(const api_call& call, const std::string& claimed) {
  if (call.who.speaks_for_others && !claimed.empty())
    return printable(claimed, limits::name_bytes_max);
  return call.who.name;
}

std::string by_of(const api_call& call) {
  return by_of(call, call.asked.parameter("by").value_or(""));
}

asio::awaitable<std::string> read_body(api_call& call, const char* what) {
  std::string out;
  for (;;) {
    auto piece = co_await call.body.read();
    if (piece.empty())
      co_return out;
    out += piece;
    if (out.size() > limits::http_body_bytes_max)
      throw body_too_large{std::string{what} + " is longer than "
                           + std::to_string(limits::http_body_bytes_max) + " bytes"};
  }
}

std::optional<failure> force_problem(const api_call& call, const std::string& builder) {
  if (may_force(call.who, builder))
    return std::nullopt;
  std::string names;
  for (const auto& each : call.who.builders)
    names += (names.empty() ? "" : ", ") + each;
  return failure{ec::refused, "the role force of "
                                + printable(call.who.name, limits::name_bytes_max) + " is for "
                                + printable(names, limits::reason_bytes_max / 2)
                                + " and not for builder " + printable(builder, 80)};
}

door_book book_of(const api_context& api) {
  return {*api.parts.store, api.parts.owner, api.parts.clock ? api.parts.clock() : wall_time{}};
}

asio::awaitable<expected<std::shared_ptr<const live_config>>> ask_config(const api_parts& parts) {
  co_return co_await ask<std::shared_ptr<const live_config>>(
    parts.door, parts.coordinator, limits::request_timeout, config_query{});
}

std::string with_reason(const api_call& call, std::string text) {
  auto reason = reason_parameter(call.asked);
  return std::move(text) + (reason.empty() ? "" : ": " + reason);
}

event_record caller_event(const api_call& call, event_kind kind, std::string text) {
  event_record event;
  event.kind = kind;
  event.at = call.api.parts.clock();
  event.by = by_of(call);
  event.text = with_reason(call, std::move(text));
  return event;
}

asio::awaitable<std::optional<failure>> record(api_context& api, storage::write_batch batch) {
  auto done = co_await ask<recorded>(api.parts.door, api.parts.recorder, limits::request_timeout,
                                     std::move(batch));
  if (!done)
    co_return done.error();
  co_return std::nullopt;
}

std::optional<failure> unknown_parameter(const request& asked,
                                         std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : asked.query) {
    if (std::find(known.begin(), known.end(), name) != known.end())
      continue;
    std::string names;
    for (auto each : known)
      names += (names.empty() ? "" : ", ") + std::string{each};
    return failure{ec::bad_input, "parameter '" + printable(name, 40) + "' is unknown here; "
                                    + (names.empty() ? "there are none" : "there are " + names)};
  }
  return std::nullopt;
}

expected<build_id> build_of(const std::string& text) {
  if (auto id = parse_build_id(text))
    return *id;
  return failure{ec::not_found, "'" + printable(text, 40) + "' is no build's number"};
}

expected<build_file> find_build(const api_context& api, const std::string& text) {
  auto id = build_of(text);
  if (!id)
    return id.error();
  auto file = storage::read_build_file(*api.parts.store, *id);
  if (!file)
    return file.error();
  if (!*file)
    return failure{ec::not_found, "there is no build " + to_string(*id)};
  return std::move(**file);
}

asio::awaitable<expected<std::vector<waiting_view>>> ask_waiting(api_context& api,
                                                                 std::vector<build_id> builds) {
  if (builds.empty())
    co_return std::vector<waiting_view>{};
  waiting_query query{std::move(builds)};
  co_return co_await ask<std::vector<waiting_view>>(api.parts.door, api.parts.coordinator,
                                                    limits::request_timeout, std::move(query));
}

} // namespace drover::http
