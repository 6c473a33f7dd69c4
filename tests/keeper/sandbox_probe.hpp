#pragma once
// Whether a sandbox can be had on this machine.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/sandbox.hpp"
#include "tests/catch.hpp"

#include <cstdlib>

namespace drover {

/// Bubblewrap needs namespaces and a root that is a mount point: a plain chroot has neither.
inline bool sandbox_works() {
  auto probe = find_bubblewrap() + " --unshare-net --ro-bind / / /bin/true 2>/dev/null";
  bool works = std::system(probe.c_str()) == 0;
  if (!works)
    WARN("bubblewrap does not work on this machine: not tested");
  return works;
}

} // namespace drover
