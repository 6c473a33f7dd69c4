// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/words.hpp"

#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace drover::pages {

namespace {

constexpr int64_t second = 1000;
constexpr int64_t minute = 60 * second;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;

std::optional<int64_t> digits(std::string_view text, size_t at, size_t count) {
  if (text.size() < at + count)
    return std::nullopt;
  int64_t value = 0;
  const char* end = text.data() + at + count;
  auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc{} || stop != end || value < 0)
    return std::nullopt;
  return value;
}

} // namespace

std::optional<wall_time> parse_time(std::string_view text) {
  static constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
  if (text.size() != shape.size())
    return std::nullopt;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '0' && text[i] != shape[i])
      return std::nullopt;
  int64_t part[7];
  static constexpr std::pair<size_t, size_t> places[] = {{0, 4},  {5, 2},  {8, 2}, {11, 2},
                                                         {14, 2}, {17, 2}, {20, 3}};
  for (size_t i = 0; i < std::size(places); ++i) {
    auto value = digits(text, places[i].first, places[i].second);
    if (!value)
      return std::nullopt;
    part[i] = *value;
  }
  std::chrono::year_month_day date{std::chrono::year{static_cast<int>(part[0])},
                                   std::chrono::month{static_cast<unsigned>(part[1])},
                                   std::chrono::day{static_cast<unsigned>(part[2])}};
  if (!date.ok())
    return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return wall_time{days * day + part[3] * hour + part[4] * minute + part[5] * second + part[6]};
}

std::string full_time(wall_time when) {
  auto text = to_string(when);
  if (text.size() < 19)
    return text;
  return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string duration_words(int64_t ms) {
  ms = std::max<int64_t>(ms, 0);
  if (ms < second)
    return fmt::format("{} ms", ms);
  if (ms < 10 * second)
    return fmt::format("{}.{} s", ms / second, ms % second / 100);
  if (ms < minute)
    return fmt::format("{} s", ms / second);
  if (ms < hour)
    return fmt::format("{} min {} s", ms / minute, ms % minute / second);
  if (ms < day)
    return fmt::format("{} h {} min", ms / hour, ms % hour / minute);
  return fmt::format("{} d {} h", ms / day, ms % day / hour);
}

std::string ago_words(wall_time when, wall_time now) {
  auto past = now.ms - when.ms;
  auto length = std::abs(past);
  if (length < 2 * second)
    return "just now";
  auto words = length < minute ? fmt::format("{} s", length / second)
               : length < hour ? fmt::format("{} min", length / minute)
               : length < day  ? fmt::format("{} h", length / hour)
                               : fmt::format("{} d", length / day);
  return past >= 0 ? words + " ago" : "in " + words;
}

std::string size_words(uint64_t bytes) {
  static constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                      : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string count_words(size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string plain_words(std::string_view name) {
  std::string out{name};
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

} // namespace drover::pages
