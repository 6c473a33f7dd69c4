#pragma once
// Bounds of the web pages, each with its reason.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// One piece of foreign text on a page; reasons and names are shorter, parameters may not be.
inline constexpr size_t page_text_bytes_max = 16 * 1024;

/// Bytes of a log on one page: some thousand lines, which any browser lays out at once.
inline constexpr uint64_t page_log_bytes = 192 * 1024;
/// Lines of a log on one page: a window of empty lines must not become 200 000 rows.
inline constexpr size_t page_log_rows = 3000;
/// A line of a log that is longer is broken: a megabyte without a newline must not become one row.
inline constexpr size_t page_log_line_bytes_max = 4096;
/// Shown before the first error when somebody jumps there: some hundred lines.
inline constexpr uint64_t page_cause_bytes_before = 32 * 1024;

/// Newest builds among which the front page looks for what is red.
inline constexpr size_t page_red_builds_searched = 400;
/// Rows of each part of the front page.
inline constexpr size_t page_front_rows = 12;
/// Rows of a list that is a page of its own.
inline constexpr size_t page_list_rows = 50;
/// Builds in the history of a builder or a host.
inline constexpr size_t page_history_builds = 60;
/// Running builds whose steps are looked up for one page.
inline constexpr size_t page_steps_looked_up = 24;
/// Red builds whose first error is looked for, in the end of their logs, for the front page.
inline constexpr size_t page_causes_looked_up = 6;
/// Names that the front page's first sentence tells before it counts them.
inline constexpr size_t page_names_told = 3;
/// How long a notice that failed stays on the front page: then whoever looks after it has seen it.
inline constexpr milliseconds page_trouble_age = 24h;
/// A host that is silent no longer than this is heard of now: some beats may come late.
inline constexpr milliseconds page_silence_told = 3s;
/// Entries of the journal on one page.
inline constexpr size_t page_events = 100;

/// A file of the pages' own, as Vite made it.
inline constexpr size_t page_asset_bytes_max = 1024 * 1024;

} // namespace drover::limits
