#pragma once
// What the files of the bot's commands share: one request, and the function behind each command.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/commands.hpp"
#include "actors/core/submit.hpp"

namespace drover::core::irc {

struct request {
  const asker& who;
  const farm_view& farm;
  std::vector<std::string> words; ///< behind the command
};

answer says(std::string text);
answer needs_account();
inline answer sorry(const failure& why) {
  return says("sorry: " + why.text);
}
/// "say: stop BUILD REASON"
std::string usage_of(std::string_view command);
/// Why this person counts for nobody.
std::string not_known(const asker& who);

/// "2026-01-31 12:00:01 UTC"
std::string moment_of(wall_time when);
std::string no_builder(const farm_config& config, const std::string& name);

// answers.cpp
answer list_things(const request& asked);
answer tell_status(const request& asked);
answer tell_last(const request& asked);
answer tell_why(const request& asked);
answer tell_host(const request& asked);

// orders.cpp
answer watch_build(const request& asked);
answer force_build(const request& asked);
answer stop_build(const request& asked);
answer retry_build(const request& asked);

} // namespace drover::core::irc
