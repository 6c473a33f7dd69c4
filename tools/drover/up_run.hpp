#pragma once
// Runs a farm in a folder until a signal says stop: the whole of `drover up` but its options.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <optional>
#include <string>

namespace drover::cli {

struct up_request {
  std::string dir;
  std::string config; ///< file to copy; empty: what the folder has, or a default
  // What is left open is as it was the last time on this folder.
  std::optional<uint32_t> hosts;
  std::optional<uint32_t> slots;
  std::optional<std::string> step_user; ///< of its hosts: see drover-host --step-user
};

/// Returns the exit code (see up.hpp). Prints one `ready` line to stdout, all else to stderr.
int run_up(const up_request& request);

} // namespace drover::cli
