// The router, and what all routes share.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/api.hpp"

#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace drover::http {

namespace {

struct route {
  std::string_view method;
  std::string_view pattern; ///< segments; `*` one of any text, `**` one or more at the end
  answer (*serve)(api_call&);
};

constexpr route routes[] = {
  {"GET", "api/v1", get_farm},
  {"GET", "api/v1/builds", get_builds},
  {"POST", "api/v1/builds", post_builds},
  {"GET", "api/v1/builds/*", get_build},
  {"GET", "api/v1/builds/*/why", get_build_why},
  {"POST", "api/v1/builds/*/cancel", post_cancel},
  {"GET", "api/v1/builds/*/steps/*/log", get_log},
  {"GET", "api/v1/builds/*/artifacts", get_artifacts},
  {"GET", "api/v1/builds/*/artifacts/**", get_artifact},
  {"POST", "api/v1/sources", post_sources},
  {"GET", "api/v1/campaigns", get_campaigns},
  {"GET", "api/v1/campaigns/*", get_campaign},
  {"GET", "api/v1/hosts", get_hosts},
  {"GET", "api/v1/hosts/*", get_host},
  {"GET", "api/v1/hosts/*/why", get_host_why},
  {"GET", "api/v1/actors", get_actors},
  {"GET", "api/v1/healthz", get_healthz},
  {"GET", "api/v1/readyz", get_readyz},
  {"GET", "healthz", get_healthz},
  {"GET", "readyz", get_readyz},
};

/// What the wildcards of `pattern` stand for in `path`, or nothing if it doesn't match.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              const std::vector<std::string>& path) {
  std::vector<std::string> captures;
  size_t at = 0;
  while (!pattern.empty()) {
    auto end = std::min(pattern.find('/'), pattern.size());
    auto segment = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    if (at == path.size())
      return std::nullopt;
    if (segment == "**") {
      auto rest = path[at++];
      for (; at < path.size(); ++at)
        rest += "/" + path[at];
      captures.push_back(std::move(rest));
    } else if (segment == "*") {
      captures.push_back(path[at++]);
    } else if (segment != path[at++]) {
      return std::nullopt;
    }
  }
  if (at != path.size())
    return std::nullopt;
  return captures;
}

answer dispatch(api_context& api, const request& asked, body_reader& body) {
  std::string_view method = asked.method == "HEAD" ? "GET" : std::string_view{asked.method};
  std::string allowed;
  for (const auto& candidate : routes) {
    auto captures = match(candidate.pattern, asked.path);
    if (!captures)
      continue;
    if (candidate.method == method) {
      api_call call{api, asked, body, std::move(*captures)};
      co_return co_await candidate.serve(call);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string{candidate.method};
    if (candidate.method == "GET")
      allowed += ", HEAD";
  }
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

void merge(build_record& build, const std::vector<waiting_view>& views) {
  if (build.state == build_state::finished)
    return;
  for (const auto& view : views) {
    if (view.build != build.id)
      continue;
    if (view.state != build_state::finished) // its record will say so in a moment
      build.state = view.state;
    if (!view.reason.empty())
      build.reason = view.reason;
    return;
  }
}

} // namespace drover::http
