#pragma once
// Runs git, hg and their like for a source: argv only, bounded in time and output.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace drover::sources {

/// Set once the process is to stop: commands that run are ended, new ones refused.
using stop_flag = std::atomic<bool>;

struct command {
  std::vector<std::string> arguments;   ///< the first one is found in PATH
  std::string folder;                   ///< where it runs; empty: here
  std::vector<std::string> environment; ///< NAME=VALUE, beside a small fixed set
};

/// The command's standard output. An error is one line: the program's own last complaint, that it
/// took longer than limits::source_command_max, or printed more than limits::source_output_max.
/// The command gets /dev/null as input, no terminal, and a fixed locale.
expected<std::string> run(const command& what, const stop_flag& stopping);

} // namespace drover::sources
