#pragma once
// What the owner of a machine allows the farm to do with it. Pure: time and load come in.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::core {

/// A stretch of a day, and the days on which it begins. One that ends before it begins goes on into
/// the next day.
struct time_window {
  unsigned from = 0;     ///< minutes since midnight
  unsigned to = 24 * 60; ///< not in it any more
  unsigned days = 0x7f;  ///< bit 0: Monday
  friend bool operator==(const time_window&, const time_window&) = default;
};

struct owner_rules {
  std::vector<time_window> hours; ///< none: always
  uint32_t load = 0;  ///< no new work while the machine's load is above; 0: whatever it is
  uint32_t slots = 0; ///< at most; 0: as the host was started with
  uint32_t nice = 0;  ///< of all that the host runs
  std::vector<std::string> builders; ///< names or globs; none: all
  friend bool operator==(const owner_rules&, const owner_rules&) = default;
};

/// Local time.
struct local_moment {
  unsigned weekday = 0; ///< 0: Monday
  unsigned minute = 0;  ///< since midnight
};

/// "22:00-07:00 Mon-Fri", "09:00-17:00", "00:00-24:00 Sat,Sun".
expected<time_window> parse_window(std::string_view text);
std::string to_string(const time_window& window);

bool is_open(const owner_rules& rules, const local_moment& now);

/// Why there is to be no new work now, in one sentence; empty: there may be.
std::string closed_reason(const owner_rules& rules, const local_moment& now, double load);

// How the scheduler sees the rules: facts of the host. An empty value: no such fact.
inline constexpr const char* owner_closed_fact = "owner_closed";
inline constexpr const char* owner_builders_fact = "owner_builders";
inline constexpr const char* owner_slots_fact = "owner_slots";
string_map owner_facts(const owner_rules& rules, const local_moment& now, double load);

/// Why a host with these facts takes no builds of `builder`; nothing: it does.
std::optional<std::string> owner_objection(const string_map& facts, const std::string& builder);
/// The slots of a host with these facts.
uint32_t owner_slots(const string_map& facts, uint32_t slots);

} // namespace drover::core
