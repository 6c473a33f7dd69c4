// SPDX-License-Identifier: Apache-2.0
#include "schema/cron.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <vector>

namespace drover {

namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int days_searched_max = 366 * 12; // twice over a leap year that is none, as 2100

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> day_names{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

struct field {
  std::string_view name;
  unsigned least, most;
  std::span<const std::string_view> names; ///< of `least` and so on
};

const std::array<field, 5> fields{
  field{"minute", 0, 59, {}}, field{"hour", 0, 23, {}}, field{"day of month", 1, 31, {}},
  field{"month", 1, 12, month_names}, field{"day of week", 0, 7, day_names}};

/// Leaves the parser at the first mistake; caught in `parse_cron`.
struct mistake {
  cron_error error;
};

std::string small(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// A part of the text, which knows where it stands.
struct piece {
  std::string_view text;
  size_t at = 0;

  piece before(size_t end) const { return {text.substr(0, end), at}; }
  piece behind(size_t begin) const { return {text.substr(begin), at + begin}; }
  [[noreturn]] void wrong(std::string message) const { throw mistake{{at, std::move(message)}}; }
};

std::optional<unsigned> whole_number(std::string_view text) {
  unsigned value = 0;
  auto end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc{} && read.ptr == end && !text.empty() ? std::optional{value}
                                                                    : std::nullopt;
}

unsigned parse_value(const piece& from, const field& of) {
  for (size_t i = 0; i < of.names.size(); ++i)
    if (small(from.text) == of.names[i])
      return of.least + static_cast<unsigned>(i);
  auto value = whole_number(from.text);
  if (!value)
    from.wrong(from.text.empty() ? fmt::format("{}: a number is missing", of.name)
                                 : fmt::format("{} '{}' is no number{}", of.name, from.text,
                                               of.names.empty() ? "" : " and no name"));
  if (*value < of.least || *value > of.most)
    from.wrong(fmt::format("{} '{}' is out of range; {} to {} are allowed", of.name, from.text,
                           of.least, of.most));
  return *value;
}

/// One member of a list: `*`, a value or a range, with or without a step.
template <size_t Bits>
void parse_member(const piece& from, const field& of, std::bitset<Bits>& into) {
  auto slash = from.text.find('/');
  auto range = from.before(std::min(slash, from.text.size()));
  unsigned step = 1, first = of.least, last = of.most;
  if (slash != std::string_view::npos) {
    auto given = from.behind(slash + 1);
    auto value = whole_number(given.text);
    if (!value || *value == 0)
      given.wrong(fmt::format("{}: '{}' is no step; write a number from 1", of.name, given.text));
    step = std::min(*value, of.most + 1); // more would wrap around
  }
  if (range.text != "*") {
    auto dash = range.text.find('-');
    first = parse_value(range.before(std::min(dash, range.text.size())), of);
    if (dash != std::string_view::npos) {
      last = parse_value(range.behind(dash + 1), of);
      if (last == 0 && of.most == 7 && first > 0)
        last = 7; // "fri-sun"
    } else if (slash == std::string_view::npos) {
      last = first;
    }
    if (last < first)
      range.wrong(fmt::format("{} '{}' goes backwards", of.name, range.text));
  }
  for (auto value = first; value <= last; value += step)
    into.set(value % Bits); // 7 is Sunday
}

template <size_t Bits>
void parse_field(piece from, const field& of, std::bitset<Bits>& into) {
  while (true) {
    auto comma = from.text.find(',');
    parse_member(from.before(std::min(comma, from.text.size())), of, into);
    if (comma == std::string_view::npos)
      return;
    from = from.behind(comma + 1);
  }
}

std::vector<piece> words_of(std::string_view text) {
  std::vector<piece> words;
  for (size_t at = text.find_first_not_of(" \t"); at != std::string_view::npos;) {
    auto end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back({text.substr(at, end - at), at});
    at = text.find_first_not_of(" \t", end);
  }
  return words;
}

bool says_something(const piece& day_field) {
  return day_field.text.front() != '*';
}

bool is_day(const cron_schedule& schedule, std::chrono::sys_days day) {
  std::chrono::year_month_day date{day};
  if (!schedule.months.test(unsigned{date.month()}))
    return false;
  bool of_month = schedule.days.test(unsigned{date.day()});
  bool of_week = schedule.weekdays.test(std::chrono::weekday{day}.c_encoding());
  return schedule.either_day ? of_month || of_week : of_month && of_week;
}

/// The first minute of the day's, at or behind (hour, minute), that the schedule has.
std::optional<civil_minute> first_of_day(const cron_schedule& schedule, civil_minute from) {
  for (; from.hour < schedule.hours.size(); ++from.hour, from.minute = 0) {
    if (!schedule.hours.test(from.hour))
      continue;
    for (; from.minute < schedule.minutes.size(); ++from.minute)
      if (schedule.minutes.test(from.minute))
        return from;
  }
  return std::nullopt;
}

std::chrono::sys_days day_of(const civil_minute& at) {
  return std::chrono::year{at.year} / std::chrono::month{at.month} / std::chrono::day{at.day};
}

/// The first minute on the wall at or behind `from` that the schedule has.
std::optional<civil_minute> first_from(const cron_schedule& schedule, civil_minute from) {
  auto day = day_of(from);
  for (int searched = 0; searched < days_searched_max; ++searched) {
    if (is_day(schedule, day))
      if (auto found = first_of_day(schedule, from))
        return found;
    day += std::chrono::days{1};
    std::chrono::year_month_day date{day};
    from = {int{date.year()}, unsigned{date.month()}, unsigned{date.day()}, 0, 0};
  }
  return std::nullopt;
}

civil_minute minute_after(civil_minute at) {
  auto utc = utc_clock();
  return utc.civil({utc.instant(at).ms + minute_ms});
}

} // namespace

zone_clock utc_clock() {
  using namespace std::chrono;
  zone_clock clock;
  clock.civil = [](wall_time at) {
    sys_time<milliseconds> when{milliseconds{at.ms}};
    auto day = floor<days>(when);
    year_month_day date{day};
    auto passed = duration_cast<minutes>(when - day).count();
    return civil_minute{int{date.year()}, unsigned{date.month()}, unsigned{date.day()},
                        static_cast<unsigned>(passed / 60), static_cast<unsigned>(passed % 60)};
  };
  clock.instant = [](const civil_minute& at) {
    auto when = day_of(at) + hours{at.hour} + minutes{at.minute};
    return wall_time{duration_cast<milliseconds>(when.time_since_epoch()).count()};
  };
  return clock;
}

std::variant<cron_schedule, cron_error> parse_cron(std::string_view text) {
  auto words = words_of(text);
  if (words.size() != fields.size())
    return cron_error{words.size() > fields.size() ? words[fields.size()].at : text.size(),
                      fmt::format("has {} fields; write five, minute hour day-of-month month "
                                  "day-of-week, e.g. '0 3 * * 1-5'",
                                  words.size())};
  cron_schedule out;
  try {
    parse_field(words[0], fields[0], out.minutes);
    parse_field(words[1], fields[1], out.hours);
    parse_field(words[2], fields[2], out.days);
    parse_field(words[3], fields[3], out.months);
    parse_field(words[4], fields[4], out.weekdays);
  } catch (const mistake& found) {
    return found.error;
  }
  out.either_day = says_something(words[2]) && says_something(words[4]);
  if (!next_slot(out, utc_clock(), {0}))
    return cron_error{words[2].at, "never comes: no such month has that day"};
  return out;
}

std::optional<wall_time> next_slot(const cron_schedule& schedule, const zone_clock& zone,
                                   wall_time after) {
  auto from = minute_after(zone.civil(after));
  // Minutes that the clocks show a second time have had their turn: the search goes on behind them.
  constexpr int repeated_max = 24 * 60;
  for (int tries = 0; tries < repeated_max; ++tries) {
    auto found = first_from(schedule, from);
    if (!found)
      return std::nullopt;
    auto when = zone.instant(*found);
    if (when > after)
      return when;
    from = minute_after(*found);
  }
  return std::nullopt;
}

} // namespace drover
