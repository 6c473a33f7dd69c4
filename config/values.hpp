#pragma once
// Texts of the configuration as values: durations, sizes, yes and no, and the word that was meant.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace drover {

/// "500ms", "10s", "5m", "2h", "1d": a whole number and one unit; nothing for other text.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Bytes: "4096", "64KiB", "64MiB", "1GiB", "2TiB"; nothing for other text.
std::optional<uint64_t> parse_size(std::string_view text);

/// true, yes, on and false, no, off, in small letters.
std::optional<bool> parse_yes_no(std::string_view text);

/// Edits (a letter changed, added, left out, or two neighbours swapped) that make one word the
/// other.
size_t edit_distance(std::string_view left, std::string_view right);

/// The known word that was probably meant, or nothing if none is near.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& known);

} // namespace drover
