#pragma once
// Bounds of reading a configuration from a disk, with their reasons.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>

namespace drover::limits {

/// Names looked at in a folder that `include` names with '*': a folder with more was not meant.
inline constexpr size_t config_folder_names_max = 10'000;
/// Hosts named in one message; of a larger herd the first ones show the pattern.
inline constexpr size_t config_hosts_shown_max = 5;

} // namespace drover::limits
