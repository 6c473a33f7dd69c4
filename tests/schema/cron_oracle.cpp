// Prints the next times of schedules, for cron_test.py to compare with another implementation.
// SPDX-License-Identifier: Apache-2.0
#include "config/zone.hpp"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

/// Lines of "seconds<TAB>zone<TAB>cron" on the input; the next five times in seconds on the output.
int main() {
  for (std::string line; std::getline(std::cin, line);) {
    auto first = line.find('\t'), second = line.find('\t', first + 1);
    auto zone = drover::open_zone(line.substr(first + 1, second - first - 1));
    auto parsed = drover::parse_cron(line.substr(second + 1));
    const auto* schedule = std::get_if<drover::cron_schedule>(&parsed);
    if (!zone || schedule == nullptr) {
      std::puts("refused");
      continue;
    }
    drover::wall_time at{std::atoll(line.c_str()) * 1000};
    for (int i = 0; i < 5; ++i) {
      auto next = drover::next_slot(*schedule, *zone, at);
      if (!next)
        break;
      at = *next;
      std::printf("%lld ", static_cast<long long>(at.ms / 1000));
    }
    std::puts("");
  }
}
