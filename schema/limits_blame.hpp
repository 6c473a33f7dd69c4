#pragma once
// Bounds of finding out whose fault a failure is.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// Second opinions of the whole farm in a period: a broken change must not double its work.
inline constexpr uint32_t opinions_max = 20;
inline constexpr std::chrono::milliseconds opinion_period{60 * 60'000};
/// Builds that one red build may be tried again by: on another host, then on its own.
inline constexpr size_t opinions_of_build_max = 2;
/// A build that took no longer is repeated on its own host, to tell a sick host from chance.
inline constexpr std::chrono::milliseconds opinion_cheap{60'000};
/// Builds of the same source that a red one is compared with.
inline constexpr size_t blame_compared_max = 8;
/// So many of them are from its own host, beside second opinions: more tell no more of that host.
inline constexpr size_t blame_at_home_max = 2;
/// Older red builds that one end is compared with at once, beside those that it is about.
inline constexpr size_t blame_judged_max = 8;
/// Earlier builds of other sources that it is compared with.
inline constexpr size_t blame_history_max = 4;
/// Builds before and after an end that are searched: for what it is compared with and, of a start,
/// for what is still to be judged. Comparing looks twice as far.
inline constexpr size_t blame_searched_max = 250;
inline constexpr size_t blame_compared_within = 2 * blame_searched_max;
/// Ends that are remembered, not read again: those around several builds.
inline constexpr size_t blame_remembered_max = 4 * blame_compared_within;
/// The end of a build with more failing tests is not remembered: it would take too much memory.
inline constexpr size_t blame_tests_remembered_max = 200;
/// Failing tests of a build that are compared; more of them fail of one cause.
inline constexpr size_t blame_tests_max = 10'000;
/// Judging what is owed begins so long after a start: hosts have come back by then.
inline constexpr std::chrono::milliseconds blame_recovery_after{15'000};
/// A red build that ended longer before a start is not judged any more.
inline constexpr std::chrono::milliseconds blame_recovery_age{60 * 60'000};

} // namespace drover::limits
