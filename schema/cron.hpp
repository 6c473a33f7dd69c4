#pragma once
// Times as cron writes them: "0 3 * * 1-5", in a time zone. Pure: what a zone is comes from
// outside.
// SPDX-License-Identifier: Apache-2.0

#include "schema/ids.hpp"

#include <bitset>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace drover {

/// A minute as clocks on the wall show it.
struct civil_minute {
  int year = 1970;
  unsigned month = 1; ///< 1 to 12
  unsigned day = 1;   ///< 1 to 31
  unsigned hour = 0;
  unsigned minute = 0;
  friend auto operator<=>(const civil_minute&, const civil_minute&) = default;
};

/// How a zone's clocks and the world's time belong together.
struct zone_clock {
  std::function<civil_minute(wall_time)> civil;
  /// Of a minute that the clocks skip: the moment at which they do. Of one that they show twice:
  /// the first time.
  std::function<wall_time(const civil_minute&)> instant;
};

zone_clock utc_clock();

struct cron_schedule {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;    ///< of the month, from 1
  std::bitset<13> months;  ///< from 1
  std::bitset<7> weekdays; ///< 0: Sunday
  /// Days of the month and of the week both say something: either one is enough, as in cron.
  bool either_day = false;
  friend bool operator==(const cron_schedule&, const cron_schedule&) = default;
};

struct cron_error {
  size_t position = 0; ///< byte of the text
  std::string message; ///< "hour '24' is out of range; 0 to 23 are allowed"
};

/// Five fields, minute hour day-of-month month day-of-week, of `*`, numbers, names (jan, mon),
/// ranges, lists and steps; 7 is Sunday too. A day field that begins with `*` says nothing.
std::variant<cron_schedule, cron_error> parse_cron(std::string_view text);

/// The first moment after `after` at which the schedule's time has come; each of its minutes once,
/// over any change of the clocks. Nothing: not within a dozen years, as of the 31st of February.
std::optional<wall_time> next_slot(const cron_schedule& schedule, const zone_clock& zone,
                                   wall_time after);

} // namespace drover
