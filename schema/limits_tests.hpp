#pragma once
// Bounds of what is read from tests' output: strangers write it, and it may be endless.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// Results kept one by one; more are still counted. The largest suites known have some 70,000.
inline constexpr size_t tests_kept_max = 100'000;
/// Texts of all results of one report; beyond it results are counted but not kept.
inline constexpr size_t tests_bytes_max = 32 * 1024 * 1024;
/// What one kept result costs besides its texts.
inline constexpr size_t test_overhead_bytes = 256;
/// A test's name or suite; generated parameters make them long.
inline constexpr size_t test_name_bytes_max = 512;
/// What a test said of its failure: enough for an assertion with its surroundings.
inline constexpr size_t test_message_bytes_max = 2000;
/// Lines of it kept from the beginning and from the end: a traceback's reason is its last line.
inline constexpr size_t test_message_head_lines = 10;
inline constexpr size_t test_message_tail_lines = 10;
/// Remarks of one report; more of them repeat each other.
inline constexpr size_t test_notes_max = 50;
/// Runs of one tool in one log: `make check` over many folders has hundreds.
inline constexpr size_t test_runs_max = 2000;

/// Builds that are looked at for the one before, to compare tests with.
inline constexpr size_t test_history_builds = 500;

/// Of a longer line its beginning and its end are looked at: verdicts are in one of them.
inline constexpr size_t test_line_head_bytes = 4096;
inline constexpr size_t test_line_tail_bytes = 256;
/// Places in a line at which a test's name is looked for behind other output: each costs a scan.
inline constexpr size_t test_line_places_max = 16;

/// A report file larger than this is refused; 64 MiB hold some 300,000 results.
inline constexpr size_t report_file_bytes_max = 64 * 1024 * 1024;
/// Nesting of elements in a report; real ones have five levels.
inline constexpr size_t report_depth_max = 64;
/// Attributes of one element; real ones have ten.
inline constexpr size_t report_attributes_max = 64;
/// One tag with its attributes: failure messages are attributes, a diff may be in them.
inline constexpr size_t report_tag_bytes_max = 1024 * 1024;
/// The parser gets a file in slices of this size, and its growth is looked at after each.
inline constexpr size_t report_slice_bytes = 16 * 1024;
/// Growth of entities over what was read; there are none, as a DTD is refused: a second wall.
inline constexpr float report_amplification_max = 10.0F;

} // namespace drover::limits
