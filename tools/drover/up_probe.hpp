#pragma once
// Asks a coordinator that may not be there yet whether it is ready and which hosts have come.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <vector>

namespace drover::cli {

struct farm_seen {
  bool ready = false;
  std::vector<std::string> hosts_up;
};

/// Never fails: who does not answer (in a second) is not ready.
farm_seen probe_farm(const std::string& socket);

} // namespace drover::cli
