#pragma once
// How pages write times, lengths and sizes. Pure; web/src/words.ts writes the same words.
// SPDX-License-Identifier: Apache-2.0

#include "schema/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::pages {

/// Reads "2026-01-31T12:00:00.000Z" as `to_string(wall_time)` writes it.
std::optional<wall_time> parse_time(std::string_view text);
/// "2026-01-31 12:00:00 UTC"
std::string full_time(wall_time when);
/// "47 ms", "2.4 s", "12 s", "3 min 4 s", "1 h 12 min", "2 d 3 h"
std::string duration_words(int64_t ms);
/// "just now", "12 s ago", "3 min ago", "5 h ago", "2 d ago"; "in 3 min" for what is to come.
std::string ago_words(wall_time when, wall_time now);
/// "812 B", "1.5 KiB", "17 MiB"
std::string size_words(uint64_t bytes);
/// "1 build", "3 builds"
std::string count_words(size_t count, std::string_view one, std::string_view many);
/// "host_lost" -> "host lost"
std::string plain_words(std::string_view name);

} // namespace drover::pages
