#pragma once
// The shell scripts of this folder, as they were when the program was built.
// SPDX-License-Identifier: Apache-2.0

#include <string>

namespace drover {

/// far.sh: what the far machine does for us.
std::string far_script();
/// near.sh: how one step is driven, below the lines that say which.
std::string near_script();
/// probe.sh: what the far machine is.
std::string probe_script();

} // namespace drover
