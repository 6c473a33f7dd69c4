// SPDX-License-Identifier: Apache-2.0
#include "nodes/version.hpp"

#include "commit.hpp" // made by cmake/Commit.cmake at each build

namespace drover {

std::string program_version() {
  std::string commit = DROVER_COMMIT;
  return std::string{DROVER_VERSION} + (commit.empty() ? "" : " (" + commit + ")");
}

} // namespace drover
