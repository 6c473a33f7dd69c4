#pragma once
// Bounds of trust in hosts: probation, canaries, retirement.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// The canary that is shipped; no configuration can have a builder of this name.
inline constexpr const char* shipped_canary_name = "drover-canary";
/// Canaries that one host must pass: more of a configuration's are left out.
inline constexpr size_t canaries_max = 8;
/// A host on probation whose canary told nothing, or spoke against it, gets the next one after
/// this, doubling up to the maximum while they speak against it.
inline constexpr milliseconds canary_retry_first = 1min;
inline constexpr milliseconds canary_retry_max = 2h;
/// So long a canary that has ended waits for a known-good host that is busy or not back yet; after
/// that it stands alone. A farm without a free slot must not keep newcomers out for ever.
inline constexpr milliseconds canary_peer_patience = 5min;
/// What a known-good host made of a canary serves for so long: a rack that joins at once costs its
/// peers one canary, not a hundred.
inline constexpr milliseconds canary_reference_age = 1h;
/// Differences that a sentence names.
inline constexpr size_t canary_differences_told = 3;
/// Steps of the canary that is shipped are small.
inline constexpr milliseconds canary_step_timeout = 2min;
/// How far a host's clock may be from the farm's when the canary's step begins: slow, and fast with
/// the time that the step may have waited.
inline constexpr milliseconds canary_clock_slow = 1min;
inline constexpr milliseconds canary_clock_fast = 1h;
/// Hosts that nobody has seen for so long are retired, unless the configuration names them; it may
/// set another time. Less than the least could be over between two notes of `seen_kept_every`.
inline constexpr milliseconds retire_after = 30 * 24h;
inline constexpr milliseconds retire_after_min = 24h;
inline constexpr milliseconds retire_after_max = 3650 * 24h;
/// How often it is kept in the store that a host is here: retirement counts from that.
inline constexpr milliseconds seen_kept_every = 6h;

} // namespace drover::limits
