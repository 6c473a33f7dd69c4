#pragma once
// Bounds of explanations: how much is looked at and how much is said.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>

namespace drover::limits {

/// Lines of evidence about hosts in one explanation; what is left out is counted.
inline constexpr size_t evidence_hosts_max = 12;
/// Hosts that one sentence names.
inline constexpr size_t sentence_hosts_max = 4;
/// Cells of a campaign that one explanation tells of; what is left out is counted.
inline constexpr size_t evidence_cells_max = 50;
/// Attempts of one build, or of one host, that an explanation lists.
inline constexpr size_t evidence_attempts_max = 40;
/// Entries of the journal that are told about a host.
inline constexpr size_t evidence_events_max = 8;
/// Newest entries of the journal that are looked through for them.
inline constexpr size_t evidence_events_searched_max = 2000;
/// The end of a failed step's log that is searched for its first error.
inline constexpr size_t error_search_bytes_max = 256 * 1024;
/// One line of such a log: what is longer was not written for people.
inline constexpr size_t error_line_bytes_max = 200;
/// Lines shown before and after the telling one.
inline constexpr size_t error_lines_before = 1;
inline constexpr size_t error_lines_after = 2;
/// Builds before and after one that are searched for the last good one and for the same elsewhere.
inline constexpr size_t neighbours_searched_max = 250;
/// Builds of the same source that an explanation names.
inline constexpr size_t neighbours_named_max = 6;
/// Builds that repeat one another, followed back to the first.
inline constexpr size_t retries_followed_max = 16;

} // namespace drover::limits
