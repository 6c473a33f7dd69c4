// Times as cron writes them.
// SPDX-License-Identifier: Apache-2.0
#include "config/zone.hpp"
#include "schema/cron.hpp"
#include "tests/catch.hpp"

using namespace drover;

namespace {

cron_schedule parsed(const std::string& text) {
  auto found = parse_cron(text);
  if (const auto* wrong = std::get_if<cron_error>(&found))
    FAIL(text << ": " << wrong->message);
  return std::get<cron_schedule>(found);
}

cron_error mistake(const std::string& text) {
  auto found = parse_cron(text);
  REQUIRE(std::holds_alternative<cron_error>(found));
  return std::get<cron_error>(found);
}

/// "2026-03-29 02:30" of UTC, for the eye.
std::string text_of(const civil_minute& at) {
  char out[32];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u %02u:%02u", at.year, at.month, at.day, at.hour,
                at.minute);
  return out;
}

/// The next times in UTC.
std::vector<std::string> next_times(const std::string& cron, const zone_clock& zone,
                                    const civil_minute& after, size_t count) {
  std::vector<std::string> out;
  auto at = utc_clock().instant(after);
  auto schedule = parsed(cron);
  while (out.size() < count) {
    auto next = next_slot(schedule, zone, at);
    if (!next)
      break;
    at = *next;
    out.push_back(text_of(utc_clock().civil(at)));
  }
  return out;
}

using times = std::vector<std::string>;

zone_clock berlin() {
  auto zone = open_zone("Europe/Berlin");
  REQUIRE(zone);
  return *zone;
}

} // namespace

TEST_CASE("cron: numbers, names, ranges, lists and steps mean what they do in cron") {
  CHECK(parsed("0 3 * * 1-5") == parsed("0 3 * * mon-Fri"));
  CHECK(parsed("0 0 * * 7") == parsed("0 0 * * sun"));
  CHECK(parsed("*/20 * * * *") == parsed("0,20,40 * * * *"));
  CHECK(parsed("5/20 * * * *") == parsed("5,25,45 * * * *"));
  CHECK(parsed("0 8-18/5 * * *") == parsed("0 8,13,18 * * *"));
  CHECK(parsed("0 0 1 jan,JUL *") == parsed("0 0 1 1,7 *"));
  CHECK(parsed("0 0 * * fri-sun") == parsed("0 0 * * 0,5,6"));
}

TEST_CASE("cron: mistakes say where and what") {
  CHECK(mistake("0 24 * * *").position == 2);
  CHECK(mistake("0 24 * * *").message == "hour '24' is out of range; 0 to 23 are allowed");
  CHECK(mistake("0 3 * * mun").message == "day of week 'mun' is no number and no name");
  CHECK(mistake("0 3 * *").message.starts_with("has 4 fields"));
  CHECK(mistake("0 3 * * * *").position == 10);
  CHECK(mistake("5-1 * * * *").message == "minute '5-1' goes backwards");
  CHECK(mistake("*/0 * * * *").position == 2);
  CHECK(mistake("1,,2 * * * *").message == "minute: a number is missing");
  CHECK(mistake("0 0 31 2 *").message == "never comes: no such month has that day");
  CHECK(mistake("").message.starts_with("has 0 fields"));
  CHECK(mistake("-1 * * * *").message == "minute: a number is missing");
  CHECK(mistake("99999999999 * * * *").position == 0);
}

TEST_CASE("cron: weekdays, leap days and ends of months come when they come") {
  civil_minute friday{2026, 1, 30, 12, 0};
  CHECK(next_times("0 3 * * 1-5", utc_clock(), friday, 2)
        == times{"2026-02-02 03:00", "2026-02-03 03:00"});
  CHECK(next_times("0 0 29 2 *", utc_clock(), friday, 2)
        == times{"2028-02-29 00:00", "2032-02-29 00:00"});
  CHECK(next_times("59 23 31 * *", utc_clock(), friday, 2)
        == times{"2026-01-31 23:59", "2026-03-31 23:59"});
}

TEST_CASE("cron: of a day of the month and a day of the week either one is enough") {
  civil_minute start{2026, 1, 30, 12, 0};
  CHECK(next_times("0 0 13 * fri", utc_clock(), start, 3)
        == times{"2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00"});
  CHECK(next_times("0 0 * * fri", utc_clock(), start, 1) == times{"2026-02-06 00:00"});
}

TEST_CASE("cron: a minute that the clocks skip is run as they jump") {
  // 2026-03-29, 02:00 to 03:00 is not there in Berlin; it jumps at 01:00 UTC.
  CHECK(next_times("30 2 * * *", berlin(), {2026, 3, 28, 12, 0}, 2)
        == times{"2026-03-29 01:00", "2026-03-30 00:30"});
  CHECK(next_times("*/30 2 * * *", berlin(), {2026, 3, 28, 12, 0}, 2)
        == times{"2026-03-29 01:00", "2026-03-30 00:00"});
}

TEST_CASE("cron: a minute that the clocks show twice is run the first time") {
  // 2026-10-25, 02:00 to 03:00 comes twice in Berlin: from 00:00 and from 01:00 UTC.
  CHECK(next_times("30 2 * * *", berlin(), {2026, 10, 24, 12, 0}, 2)
        == times{"2026-10-25 00:30", "2026-10-26 01:30"});
  CHECK(next_times("15 * * * *", berlin(), {2026, 10, 24, 23, 30}, 3)
        == times{"2026-10-25 00:15", "2026-10-25 02:15", "2026-10-25 03:15"});
}

TEST_CASE("zones: names are looked up, paths and nonsense are refused") {
  CHECK(open_zone(""));
  CHECK(open_zone("UTC"));
  CHECK(open_zone("America/New_York"));
  for (const auto* name : {"Europe/Berln", "../etc/passwd", "/etc/localtime", "a b", "Mars"})
    CHECK_FALSE(open_zone(name));
}
