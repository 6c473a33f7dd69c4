// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/answers.hpp"

#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

namespace drover::cli {

namespace {

constexpr int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
/// What one fact of a sheet may show; logs are not facts.
constexpr size_t fact_bytes_max = 4000;

std::string two(int64_t big, const char* big_unit, int64_t small, const char* small_unit) {
  auto out = std::to_string(big) + " " + big_unit;
  return small == 0 ? out : out + " " + std::to_string(small) + " " + small_unit;
}

} // namespace

std::string field_text(const json& object, const std::string& name, const std::string& otherwise) {
  if (!object.is_object() || !object.contains(name) || object[name].is_null())
    return otherwise;
  const auto& value = object[name];
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

int64_t field_number(const json& object, const std::string& name, int64_t otherwise) {
  if (!object.is_object() || !object.contains(name) || !object[name].is_number())
    return otherwise;
  return object[name].get<int64_t>();
}

json field_object(const json& object, const std::string& name) {
  if (object.is_object() && object.contains(name) && object[name].is_object())
    return object[name];
  return json::object();
}

json field_list(const json& object, const std::string& name) {
  if (object.is_object() && object.contains(name) && object[name].is_array())
    return object[name];
  return json::array();
}

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

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string duration_text(int64_t ms) {
  if (ms < second)
    return std::to_string(std::max<int64_t>(0, ms)) + " ms";
  if (ms < minute)
    return std::to_string(ms / second) + "." + std::to_string(ms % second / 100) + " s";
  if (ms < hour)
    return two(ms / minute, "min", ms % minute / second, "s");
  if (ms < day)
    return two(ms / hour, "h", ms % hour / minute, "min");
  return two(ms / day, "d", ms % day / hour, "h");
}

std::string time_between(const json& object, const std::string& from, const std::string& to) {
  auto begun = parse_time(field_text(object, from, ""));
  auto ended = parse_time(field_text(object, to, ""));
  if (!begun || !ended || *ended < *begun)
    return "";
  return duration_text(*ended - *begun);
}

std::string short_time(const std::string& rfc3339) {
  auto out = rfc3339.substr(0, 19);
  if (out.size() > 10)
    out[10] = ' ';
  return out;
}

std::string when_text(const json& object, const std::string& name, const screen& out) {
  auto text = field_text(object, name, "");
  auto when = parse_time(text);
  if (!when || !out.terminal)
    return text.empty() ? "-" : short_time(text);
  auto ago = now_ms() - *when;
  if (ago < second)
    return "now";
  // One unit is enough for an age: it is read at a glance.
  if (ago < minute)
    return std::to_string(ago / second) + " s ago";
  if (ago < hour)
    return std::to_string(ago / minute) + " min ago";
  if (ago < day)
    return std::to_string(ago / hour) + " h ago";
  return std::to_string(ago / day) + " d ago";
}

std::string took_text(const json& object, const screen& out) {
  auto took = time_between(object, "started_at", "finished_at");
  if (!took.empty() || !out.terminal || is_over(object))
    return took;
  auto begun = parse_time(field_text(object, "started_at", ""));
  if (!begun)
    return "";
  auto so_far = std::max<int64_t>(0, now_ms() - *begun);
  return duration_text(so_far / second * second) + " so far";
}

std::string size_text(uint64_t bytes) {
  constexpr uint64_t step = 1024;
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  auto tenths = bytes * 10;
  while (tenths >= step * 10 && unit + 1 < std::size(units)) {
    tenths /= step;
    ++unit;
  }
  auto text = std::to_string(tenths / 10);
  return (unit == 0 ? text : text + "." + std::to_string(tenths % 10)) + " " + units[unit];
}

bool is_green(const json& finished) {
  auto outcome = field_text(finished, "result", "");
  return outcome == "success" || outcome == "warnings";
}

bool is_over(const json& thing) {
  return field_text(thing, "state", "") == "finished";
}

cell verdict_cell(const json& thing) {
  auto word = field_text(thing, "result", field_text(thing, "state", "-"));
  return {word, colour_of(word)};
}

void fact_sheet::add(const std::string& label, const std::string& value) {
  if (value.empty())
    return;
  auto head = "  " + printable(label, 80);
  auto used = display_width(head);
  head += std::string(used < label_width_ + 2 ? label_width_ + 2 - used : 1, ' ');
  text_ += hang(head, printable(value, fact_bytes_max), out_.width);
}

} // namespace drover::cli
