#pragma once
// Bounds of how a host cares for its disk: free space, workspaces kept for people.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// Where nobody says how much of the disk is to stay free: this part of it ...
inline constexpr uint64_t keep_free_percent = 5;
/// ... but no more than this: a step's log and results go on where that much is left.
inline constexpr uint64_t keep_free_bytes_max = 10ull * 1024 * 1024 * 1024;
/// How often a host looks at its free space beside each new workspace.
inline constexpr std::chrono::milliseconds care_every{30'000};
/// Workspaces of failed builds that are kept for people, one a builder.
inline constexpr size_t kept_workspaces_max = 64;
/// Of them, those that a host's facts name.
inline constexpr size_t kept_workspaces_named = 8;
/// Facts that change while a host is connected are taken this seldom: they cost a write each.
inline constexpr std::chrono::milliseconds facts_heard_every{10'000};
/// Releases that wait for one host; those beyond it are asked for again when the host joins anew.
inline constexpr size_t releases_open_max = 8192;

} // namespace drover::limits
