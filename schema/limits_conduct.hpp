#pragma once
// Bounds of what is noted about hosts that ask for what is not theirs.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// Entries of the journal that one host's misconduct may cause in a period; the rest is counted.
inline constexpr uint32_t misconduct_told_max = 10;
inline constexpr std::chrono::milliseconds misconduct_period{600'000};
/// The same again is told only after this: a machine whose key was revoked may try for months.
inline constexpr std::chrono::milliseconds misconduct_repeat{3'600'000};
/// Different misdeeds of one host that are remembered.
inline constexpr size_t misconduct_remembered_max = 64;
/// Hosts about which the doors remember misdeeds.
inline constexpr size_t misconduct_hosts_max = 10'000;
/// Attempts without an order that are looked up in the store for one host in a period, and those
/// whose answer is remembered.
inline constexpr uint32_t claims_read_max = 1000;
inline constexpr std::chrono::milliseconds claims_read_period{10'000};
inline constexpr size_t claims_remembered_max = 10'000;

} // namespace drover::limits
