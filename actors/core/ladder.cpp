// SPDX-License-Identifier: Apache-2.0
#include "actors/core/ladder.hpp"

#include "schema/limits_healing.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

constexpr ladder_rung rungs[] = {ladder_rung::agent, ladder_rung::reboot, ladder_rung::power};

const std::string& command_of(const restart_commands& commands, ladder_rung rung) {
  switch (rung) {
  case ladder_rung::agent:
    return commands.agent;
  case ladder_rung::reboot:
    return commands.reboot;
  default:
    return commands.power;
  }
}

/// The lowest configured rung above `rung`; none: there is none.
ladder_rung above(const restart_commands& commands, ladder_rung rung) {
  for (auto next : rungs)
    if (next > rung && !command_of(commands, next).empty())
      return next;
  return ladder_rung::none;
}

milliseconds patience_after(ladder_rung rung, uint32_t tries) {
  auto once = rung == ladder_rung::agent    ? limits::ladder_wait_agent
              : rung == ladder_rung::reboot ? limits::ladder_wait_reboot
                                            : limits::ladder_wait_power;
  for (uint32_t doubled = 1; doubled < tries; ++doubled)
    once *= 2;
  return once;
}

uint32_t times_of(const restart_commands& commands) {
  return commands.times > 0 ? commands.times : limits::ladder_times;
}

milliseconds within_of(const restart_commands& commands) {
  return commands.within.count() > 0 ? commands.within : limits::ladder_within;
}

/// When the budget allows another run; 0: now.
wall_time budget_free_at(const restart_commands& commands, const ladder_record& record,
                         wall_time now) {
  auto begin = now.ms - within_of(commands).count();
  std::vector<wall_time> counted;
  std::copy_if(record.runs.begin(), record.runs.end(), std::back_inserter(counted),
               [begin](wall_time at) { return at.ms > begin; });
  auto times = times_of(commands);
  if (counted.size() < times)
    return {};
  return {counted[counted.size() - times].ms + within_of(commands).count()};
}

} // namespace

ladder_move next_rung(const restart_commands& commands, const ladder_record& record,
                      wall_time lost_since, wall_time now) {
  auto rung = record.rung;
  if (rung == ladder_rung::given_up || above(commands, ladder_rung::none) == ladder_rung::none)
    return ladder_rest{};
  if (rung == ladder_rung::none) {
    wall_time first{lost_since.ms + limits::ladder_first.count()};
    if (now < first)
      return ladder_wait{first, "it may come back by itself"};
    rung = above(commands, ladder_rung::none);
  } else {
    auto last = record.runs.empty() ? wall_time{} : record.runs.back();
    wall_time due{last.ms + patience_after(rung, record.tries).count()};
    if (now < due)
      return ladder_wait{due, "the " + rung_words(rung) + " may have helped"};
    if (record.tries >= limits::ladder_tries || command_of(commands, rung).empty())
      rung = above(commands, rung);
    if (rung == ladder_rung::none)
      return ladder_give_up{"every command that the configuration has for it was tried, and it did "
                            "not come back"};
  }
  auto free_at = budget_free_at(commands, record, now);
  if (free_at.ms > 0)
    return ladder_wait{free_at, std::to_string(times_of(commands))
                                  + " commands were run for it in a short time already"};
  return ladder_run{rung, command_of(commands, rung)};
}

void apply_run(ladder_record& record, ladder_rung rung, const restart_commands& commands,
               wall_time now) {
  record.tries = record.rung == rung ? record.tries + 1 : 1;
  record.rung = rung;
  record.runs.push_back(now);
  size_t kept = std::max<size_t>(times_of(commands), 1);
  if (record.runs.size() > kept)
    record.runs.erase(record.runs.begin(), record.runs.end() - static_cast<std::ptrdiff_t>(kept));
}

void apply_back(ladder_record& record) {
  record.rung = ladder_rung::none;
  record.tries = 0;
}

std::string rung_words(ladder_rung rung) {
  switch (rung) {
  case ladder_rung::agent:
    return "agent command";
  case ladder_rung::reboot:
    return "reboot";
  case ladder_rung::power:
    return "power cycle";
  default:
    return "command";
  }
}

std::string outcome_words(int32_t exit_code, const std::string& output) {
  auto text = exit_code == 0    ? std::string{"it ran well"}
              : exit_code == -1 ? std::string{"it could not be run"}
                                : "it ended with exit code " + std::to_string(exit_code);
  auto from = output.size() - std::min(output.size(), limits::ladder_output_told);
  auto tail = output.substr(from);
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == ' '))
    tail.pop_back();
  return tail.empty() ? text : text + ": " + printable(tail, limits::ladder_output_told);
}

} // namespace drover::core
