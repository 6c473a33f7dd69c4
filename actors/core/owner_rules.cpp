// SPDX-License-Identifier: Apache-2.0
#include "actors/core/owner_rules.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/core/glob.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

namespace drover::core {
namespace {

constexpr unsigned day_minutes = 24 * 60;
constexpr unsigned week_days = 7;
constexpr unsigned all_days = 0x7f;
constexpr std::array<std::string_view, week_days> day_names{"Mon", "Tue", "Wed", "Thu",
                                                            "Fri", "Sat", "Sun"};

failure wrong(std::string_view text) {
  return {ec::bad_input, fmt::format("'{}' are no hours; write 22:00-07:00, with days as in"
                                     " 22:00-07:00 Mon-Fri or 09:00-17:00 Sat,Sun",
                                     text)};
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != 2)
    return std::nullopt;
  return value;
}

/// "22:30" in minutes; "24:00" is the end of a day.
std::optional<unsigned> parse_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':')
    return std::nullopt;
  auto hour = number(text.substr(0, 2)), minute = number(text.substr(3));
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > day_minutes)
    return std::nullopt;
  return *hour * 60 + *minute;
}

std::optional<unsigned> parse_day(std::string_view text) {
  auto found = std::find(day_names.begin(), day_names.end(), text);
  if (found == day_names.end())
    return std::nullopt;
  return static_cast<unsigned>(found - day_names.begin());
}

/// "Mon-Fri" or "Sat" as bits.
std::optional<unsigned> parse_days(std::string_view text) {
  auto dash = text.find('-');
  auto first = parse_day(text.substr(0, dash));
  auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
  if (!first || !last)
    return std::nullopt;
  unsigned days = 0;
  for (auto day = *first;; day = (day + 1) % week_days) {
    days |= 1u << day;
    if (day == *last)
      return days;
  }
}

std::string clock_text(unsigned minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

bool is_in(const time_window& window, const local_moment& now) {
  auto begins_on = [&](unsigned day) { return (window.days >> (day % week_days) & 1) != 0; };
  if (window.from < window.to)
    return begins_on(now.weekday) && now.minute >= window.from && now.minute < window.to;
  return (begins_on(now.weekday) && now.minute >= window.from)
         || (begins_on(now.weekday + week_days - 1) && now.minute < window.to);
}

/// When the next window begins: "22:00", or "Mon 22:00" if that is not today.
std::string next_opening(const owner_rules& rules, const local_moment& now) {
  for (unsigned ahead = 0; ahead <= week_days; ++ahead) {
    std::optional<unsigned> soonest;
    for (const auto& window : rules.hours) {
      bool begins = (window.days >> ((now.weekday + ahead) % week_days) & 1) != 0;
      if (begins && (ahead > 0 || window.from > now.minute))
        soonest = std::min(soonest.value_or(day_minutes), window.from);
    }
    if (soonest)
      return (ahead == 0 ? "" : std::string{day_names[(now.weekday + ahead) % week_days]} + " ")
             + clock_text(*soonest);
  }
  return "its hours are changed";
}

std::string value_of(const string_map& facts, const char* name) {
  auto found = facts.find(name);
  return found == facts.end() ? std::string{} : found->second;
}

} // namespace

expected<time_window> parse_window(std::string_view text) {
  auto space = text.find(' ');
  auto times = text.substr(0, space);
  auto dash = times.find('-');
  if (dash == std::string_view::npos)
    return wrong(text);
  auto from = parse_time(times.substr(0, dash)), to = parse_time(times.substr(dash + 1));
  if (!from || !to || *from == *to || *from == day_minutes)
    return wrong(text);
  time_window out{*from, *to, all_days};
  if (space == std::string_view::npos)
    return out;
  out.days = 0;
  std::stringstream list{std::string{text.substr(space + 1)}};
  for (std::string part; std::getline(list, part, ',');) {
    auto days = parse_days(part);
    if (!days)
      return wrong(text);
    out.days |= *days;
  }
  if (out.days == 0)
    return wrong(text);
  return out;
}

std::string to_string(const time_window& window) {
  auto out = clock_text(window.from) + "-" + clock_text(window.to);
  if (window.days == all_days)
    return out;
  std::string days;
  for (unsigned day = 0; day < week_days; ++day)
    if ((window.days >> day & 1) != 0)
      days += (days.empty() ? "" : ",") + std::string{day_names[day]};
  return out + " " + days;
}

bool is_open(const owner_rules& rules, const local_moment& now) {
  return rules.hours.empty()
         || std::any_of(rules.hours.begin(), rules.hours.end(),
                        [&](const time_window& window) { return is_in(window, now); });
}

std::string closed_reason(const owner_rules& rules, const local_moment& now, double load) {
  if (!is_open(rules, now))
    return "its owner allows no work before " + next_opening(rules, now) + ", its local time";
  if (rules.load > 0 && load > rules.load)
    return fmt::format("its owner allows no new work above a load of {}", rules.load);
  return {};
}

string_map owner_facts(const owner_rules& rules, const local_moment& now, double load) {
  std::vector<std::string> hours;
  for (const auto& window : rules.hours)
    hours.push_back(to_string(window));
  return {{owner_closed_fact, closed_reason(rules, now, load)},
          {"owner_hours", joined(hours, "; ")},
          {"owner_load", rules.load > 0 ? std::to_string(rules.load) : ""},
          {owner_slots_fact, rules.slots > 0 ? std::to_string(rules.slots) : ""},
          {owner_builders_fact, joined(rules.builders, " ")}};
}

std::optional<std::string> owner_objection(const string_map& facts, const std::string& builder) {
  auto allowed = value_of(facts, owner_builders_fact);
  if (allowed.empty())
    return std::nullopt;
  std::istringstream globs{allowed};
  for (std::string glob; globs >> glob;)
    if (glob_matches(glob, builder))
      return std::nullopt;
  return "its owner allows only builders " + allowed;
}

uint32_t owner_slots(const string_map& facts, uint32_t slots) {
  auto text = value_of(facts, owner_slots_fact);
  uint32_t most = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
  if (text.empty() || error != std::errc{} || most == 0)
    return slots;
  return std::min(slots, most);
}

} // namespace drover::core
