// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/command.hpp"

#include "config/values.hpp"
#include "nodes/http/request.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>
#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

ec code_of(unsigned status) {
  switch (status) {
  case 400:
  case 405:
    return ec::bad_input;
  case 404:
    return ec::not_found;
  case 409:
    return ec::conflict;
  case 401:
  case 403:
  case 413:
  case 429:
    return ec::refused;
  case 502:
  case 503:
  case 504:
    return ec::unavailable;
  default:
    return ec::internal;
  }
}

/// How a farm that does not know a route begins to say so.
constexpr std::string_view unknown_route = "no such address";

/// What to do about an answer whose text does not say it.
std::string advice(unsigned status) {
  if (status == 401)
    return "; DROVER_TOKEN, DROVER_TOKEN_FILE or the profile's file `token` holds it";
  return "";
}

} // namespace

int complain(const failure& why) {
  std::fprintf(stderr, "drover: %s\n", printable(why.text, 4 * limits::reason_bytes_max).c_str());
  switch (why.code) {
  case ec::bad_input:
  case ec::not_found:
    return exits::usage;
  case ec::refused:
  case ec::conflict:
    return exits::refused;
  case ec::unavailable:
  case ec::internal:
  case ec::damaged:
    return exits::unreachable;
  case ec::io:
    return exits::usage;
  }
  return exits::usage;
}

expected<client> open_farm(const command_line& line) {
  auto address = find_farm(line.farm, real_surroundings());
  if (!address)
    return address.error();
  return client{*address};
}

std::string route(std::initializer_list<std::string> parts) {
  std::string out = "/api/v1";
  for (const auto& part : parts)
    out += "/" + http::percent_encode(part);
  return out;
}

std::string with_params(std::string target,
                        const std::vector<std::pair<const char*, std::string>>& params) {
  for (const auto& [name, value] : params)
    if (!value.empty())
      target += (target.find('?') == std::string::npos ? "?" : "&") + std::string{name} + "="
                + http::percent_encode(value);
  return target;
}

failure failure_of(const reply& answer) {
  auto text = "the farm answered with status " + std::to_string(answer.status);
  auto parsed = json::parse(answer.body, nullptr, false);
  if (parsed.is_object() && parsed.contains("detail") && parsed["detail"].is_string())
    text = parsed["detail"].get<std::string>();
  auto code = code_of(answer.status);
  if (answer.status == 404 && text.compare(0, unknown_route.size(), unknown_route) == 0) {
    code = ec::internal;
    text = "this farm is older than this program and can't do that yet (" + text + ")";
  }
  return {code, printable(text + advice(answer.status), 4 * limits::reason_bytes_max)};
}

expected<json> read_answer(const expected<reply>& answer) {
  if (!answer)
    return answer.error();
  if (!answer->ok())
    return failure_of(*answer);
  auto parsed = json::parse(answer->body, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object())
    return failure{ec::internal, "the answer is not JSON; is a farm of drover at this address?"};
  return parsed;
}

expected<json> fetch(client& farm, const std::string& target) {
  return read_answer(farm.get(target));
}

expected<json> fetch_patiently(client& farm, const std::string& target) {
  auto begun = steady_clock::now();
  for (bool told = false;;) {
    auto answer = fetch(farm, target);
    if (answer || answer.error().code != ec::unavailable
        || steady_clock::now() - begun > limits::client_reconnect)
      return answer;
    if (!std::exchange(told, true))
      std::fprintf(stderr, "drover: %s; trying again\n", answer.error().text.c_str());
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

std::string who() {
  for (const char* name : {"SUDO_USER", "USER"})
    if (auto* user = std::getenv(name); user && *user)
      return user;
  const auto* entry = ::getpwuid(::getuid());
  return entry ? std::string{entry->pw_name} : "uid " + std::to_string(::getuid());
}

std::string json_line(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

failure with_hint(client& farm, failure why, const char* list, const std::string& given) {
  if (why.code != ec::not_found || !list || why.text.find("did you mean") != std::string::npos)
    return why;
  auto answer = fetch(farm, route({list}));
  if (!answer)
    return why; // the first answer says enough
  std::vector<std::string> names;
  for (const auto& each : field_list(*answer, list))
    names.push_back(field_text(each, "name", ""));
  auto near = nearest(given, {names.begin(), names.end()});
  if (near)
    why.text += "; did you mean '" + printable(*near, limits::name_bytes_max) + "'?";
  else if (why.text.find("drover ") == std::string::npos)
    why.text += std::string{"; `drover "} + list + "` has them all";
  return why;
}

int run_order(const command_line& line, const order& what) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto answer = read_answer(farm->post(what.target, what.body));
  if (!answer)
    return complain(with_hint(*farm, answer.error(), what.list, what.given));
  put_out(what.as_json ? json_line(*answer)
                       : printable(field_text(*answer, "text", "done"), 1000) + "\n");
  return exits::green;
}

} // namespace drover::cli
