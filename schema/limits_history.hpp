#pragma once
// Bounds of one test's history: reports are read one by one, and each may be large.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>

namespace drover::limits {

/// Builds whose reports one answer reads; `next` says where to go on.
inline constexpr size_t test_story_builds_max = 300;
/// Builds of any builder that are looked through for those.
inline constexpr size_t test_story_searched_max = 5000;
/// How long one answer reads: the pages beside it wait.
inline constexpr std::chrono::milliseconds test_story_time_max{2000};
/// Runs that one answer has if nothing is said, and at most.
inline constexpr size_t test_story_rows_default = 50;
inline constexpr size_t test_story_rows_max = 500;

} // namespace drover::limits
