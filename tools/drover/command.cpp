// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/command.hpp"

#include "nodes/http/request.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

ec code_of(unsigned status) {
  switch (status) {
  case 400:
    return ec::bad_input;
  case 404:
    return ec::not_found;
  case 409:
    return ec::conflict;
  case 401:
  case 403:
  case 413:
    return ec::refused;
  case 503:
    return ec::unavailable;
  default:
    return ec::internal;
  }
}

/// Milliseconds since 1970 of "2026-01-31T12:00:00.000Z", or nothing.
std::optional<int64_t> parse_time(const std::string& text) {
  std::tm parts{};
  auto* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest)
    return std::nullopt;
  int64_t ms = 0;
  if (*rest == '.')
    ms = std::strtol(std::string{rest + 1, std::min<size_t>(3, std::strlen(rest + 1))}.c_str(),
                     nullptr, 10);
  return int64_t{timegm(&parts)} * 1000 + ms;
}

std::string rendered(const json& answer, const query_options& options, const query& what,
                     const screen& out) {
  if (options.as_json)
    return answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return what.render(answer, out);
}

/// Looks until it is over or the time is; the last answer.
expected<json> fetch_until_over(client& farm, const query_options& options, const query& what) {
  auto begun = steady_clock::now();
  for (;;) {
    auto answer = fetch_patiently(farm, what.target);
    if (!answer || what.over(*answer))
      return answer;
    auto spent = std::chrono::duration<double>(steady_clock::now() - begun).count();
    if (options.timeout_seconds > 0 && spent >= options.timeout_seconds)
      return answer;
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

int watch(client& farm, const query_options& options, const query& what) {
  auto out = real_screen();
  for (;;) {
    auto answer = fetch_patiently(farm, what.target);
    if (!answer)
      return complain(answer.error());
    auto text = rendered(*answer, options, what, out);
    if (out.terminal && !options.as_json)
      text = "\x1b[H\x1b[2J" + text;
    if (!put_out(text))
      return exits::green;
    if (what.over && what.over(*answer))
      return is_green(*answer) ? exits::green : exits::red;
    std::this_thread::sleep_for(limits::client_look_interval);
  }
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

failure failure_of(const reply& answer) {
  auto text = "the farm answered with status " + std::to_string(answer.status);
  auto parsed = json::parse(answer.body, nullptr, false);
  if (parsed.is_object() && parsed.contains("detail") && parsed["detail"].is_string())
    text = parsed["detail"].get<std::string>();
  return {code_of(answer.status), printable(text, 4 * limits::reason_bytes_max)};
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

screen real_screen() {
  screen out;
  out.terminal = ::isatty(STDOUT_FILENO) == 1;
  auto* no_colour = std::getenv("NO_COLOR");
  out.colours = out.terminal && (!no_colour || !*no_colour);
  return out;
}

bool put_out(std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()
         && std::fflush(stdout) == 0;
}

std::string field_text(const json& object, const std::string& name, const std::string& otherwise) {
  if (!object.is_object() || !object.contains(name) || object[name].is_null())
    return otherwise;
  const auto& value = object[name];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string time_between(const json& object, const std::string& from, const std::string& to) {
  auto begun = parse_time(field_text(object, from, ""));
  auto ended = parse_time(field_text(object, to, ""));
  if (!begun || !ended || *ended < *begun)
    return "";
  auto ms = *ended - *begun;
  if (ms < 60'000)
    return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
  auto minutes = ms / 60'000;
  if (minutes < 60)
    return std::to_string(minutes) + " min " + std::to_string(ms / 1000 % 60) + " s";
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string short_time(const std::string& rfc3339) {
  auto out = rfc3339.substr(0, 19);
  if (out.size() > 10)
    out[10] = ' ';
  return out;
}

bool is_green(const json& finished) {
  auto outcome = field_text(finished, "result", "");
  return outcome == "success" || outcome == "warnings";
}

void add_query_options(CLI::App& command, query_options& options, watchable may) {
  command.add_flag("--json", options.as_json, "Print the farm's answer as JSON, for scripts");
  if (may == watchable::yes)
    command.add_flag("--watch", options.watch, "Show it again each second, until Ctrl-C");
}

void add_wait_options(CLI::App& command, query_options& options) {
  auto* wait = command.add_flag("--wait", options.wait,
                                "Return when it is over: 0 green, 1 red, 5 the time is over");
  command.add_option("--timeout", options.timeout_seconds, "Seconds that --wait waits at most")
    ->needs(wait)
    ->check(CLI::PositiveNumber);
}

int run_query(const command_line& line, const query_options& options, const query& what) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  if (options.watch)
    return watch(*farm, options, what);
  auto answer =
    options.wait && what.over ? fetch_until_over(*farm, options, what) : fetch(*farm, what.target);
  if (!answer)
    return complain(answer.error());
  put_out(rendered(*answer, options, what, real_screen()));
  if (!options.wait || !what.over)
    return exits::green;
  if (!what.over(*answer))
    return complain({ec::conflict, "not over after the time given"}), exits::timed_out;
  return is_green(*answer) ? exits::green : exits::red;
}

} // namespace drover::cli
