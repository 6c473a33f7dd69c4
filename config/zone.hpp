#pragma once
// Time zones by name, from the system's zone data: the only door to it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/cron.hpp"
#include "schema/error.hpp"

#include <string>

namespace drover {

/// The clock of "Europe/Berlin"; an empty name is UTC. Unknown or malformed: `bad_input`.
expected<zone_clock> open_zone(const std::string& name);

} // namespace drover
