// SPDX-License-Identifier: Apache-2.0
#include "config/zone.hpp"

#include "schema/names.hpp"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <chrono>

namespace drover {

namespace {

constexpr size_t name_bytes_max = 64; // the longest one known has 32

/// "Area/City", "UTC", "Etc/GMT+3": no path that leads anywhere else.
bool can_be_zone(const std::string& name) {
  bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '+' || c == '-' || c == '/';
  });
  return plain && !name.empty() && name.size() <= name_bytes_max && name.front() != '/';
}

} // namespace

expected<zone_clock> open_zone(const std::string& name) {
  if (name.empty() || name == "UTC")
    return utc_clock();
  cctz::time_zone zone;
  if (!can_be_zone(name) || !cctz::load_time_zone(name, &zone))
    return failure{ec::bad_input, "'" + printable(name, name_bytes_max)
                                    + "' is no time zone that this system knows; write e.g. "
                                      "Europe/Berlin"};
  zone_clock clock;
  clock.civil = [zone](wall_time at) {
    auto seconds = at.ms >= 0 ? at.ms / 1000 : (at.ms - 999) / 1000;
    auto civil = zone.lookup(cctz::time_point<cctz::seconds>{cctz::seconds{seconds}}).cs;
    return civil_minute{static_cast<int>(civil.year()), static_cast<unsigned>(civil.month()),
                        static_cast<unsigned>(civil.day()), static_cast<unsigned>(civil.hour()),
                        static_cast<unsigned>(civil.minute())};
  };
  clock.instant = [zone](const civil_minute& at) {
    auto found =
      zone.lookup(cctz::civil_second(at.year, static_cast<int>(at.month), static_cast<int>(at.day),
                                     static_cast<int>(at.hour), static_cast<int>(at.minute), 0));
    auto when = found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.pre;
    return wall_time{
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count()};
  };
  return clock;
}

} // namespace drover
