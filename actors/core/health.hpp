#pragma once
// Whether a host is fit for new work, by what it measured of itself. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <optional>
#include <string>

namespace drover::core {

/// What a host knows of itself at one moment; nothing: it can't tell.
struct vital_signs {
  std::optional<uint64_t> disk_free;   ///< bytes, where workspaces are
  std::optional<uint64_t> inodes_free; ///< there
  std::optional<uint64_t> memory_free; ///< bytes that processes can get without swapping
  std::optional<double> load;          ///< runnable processes, averaged over a minute
  uint32_t cores = 0;                  ///< 0: not known
  std::string compiler_trouble;        ///< why the compiler does not work; empty: it does, or none
};

/// Why the host should get no new work, one sentence; empty: it is fit. One that is in trouble
/// already (`was_in_trouble`) must have twice of what it lacked before it counts as fit.
std::string trouble_of(const vital_signs& seen, bool was_in_trouble);

/// Says how wrong a host's clock must be that tells of a moment as `told_ms`, though it lay between
/// `earliest_ms` and `latest_ms`; empty: within limits::clock_offset_borne.
std::string clock_trouble(int64_t told_ms, int64_t earliest_ms, int64_t latest_ms);

} // namespace drover::core
