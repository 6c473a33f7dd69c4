#pragma once
// Bounds of dropping artifacts.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>

namespace drover::limits {

/// Retention is looked after so often, the first time soon after the start.
inline constexpr std::chrono::milliseconds retention_every{60 * 60'000};
inline constexpr std::chrono::milliseconds retention_first{60'000};
/// The highest age that a configuration may say.
inline constexpr std::chrono::milliseconds retention_age_max{std::chrono::hours{24 * 3650}};
/// Builds that are read in one go, and whose artifacts are dropped in one batch.
inline constexpr size_t retention_page_rows = 1000;
inline constexpr size_t retention_batch_max = 100;
/// Builds that a preview names; the rest is counted.
inline constexpr size_t retention_told_max = 1000;

} // namespace drover::limits
