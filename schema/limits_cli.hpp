#pragma once
// Bounds of the command line, with their reasons.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>

namespace drover::limits {

using namespace std::chrono_literals;

/// A shell that completes a word waits for this: longer, and people think that the terminal hangs.
inline constexpr std::chrono::milliseconds completion_bound = 200ms;
/// Builds that are offered to complete an id: more do not fit a screen.
inline constexpr size_t completion_rows = 30;
/// A line of progress is written anew this seldom: quicker can't be read.
inline constexpr std::chrono::milliseconds progress_interval = 100ms;
/// How long orders that walk through the whole store may take: terabytes, read from slow disks.
inline constexpr std::chrono::milliseconds store_patience = 4h;
/// How long the farm may take to fetch a source: a look that is under way, then a first clone.
inline constexpr std::chrono::milliseconds fetch_patience = 30min;
/// Entries of the journal that `drover events` shows if nothing else is said.
inline constexpr size_t event_rows_shown = 50;
/// Lines that a change of configurations is compared by; a config has 1 MiB at most.
inline constexpr size_t diff_lines_max = 200'000;
/// A line of an event stream: an entry is a few hundred bytes, whatever is longer is none.
inline constexpr size_t stream_line_bytes_max = 1024 * 1024;

} // namespace drover::limits
