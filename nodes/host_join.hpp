#pragma once
// `drover-host join`: makes this machine a host of a farm that has invited it, and
// `drover-host run`: what it is started by from then on.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <vector>

namespace drover {

/// Where a host that has joined keeps what it is, if it is not told otherwise.
inline constexpr const char* host_folder_default = "/var/lib/drover-host";

/// What `run` stands for: the options that `join` wrote into the folder, and `rest` behind them.
struct host_call {
  std::vector<std::string> arguments; ///< without the program's path
  int exit_code = 0;                  ///< not 0: `problem` says why there are no arguments
  std::string problem;
};

/// Of "join ...": does it. `arguments` are the options that start the host if it is to run at once
/// (--run), else empty.
host_call join_as_host(const std::vector<std::string>& words);
/// Of "run ...".
host_call run_as_joined(const std::vector<std::string>& words);

} // namespace drover
