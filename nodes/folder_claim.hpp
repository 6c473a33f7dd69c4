#pragma once
// Which folder of which disk a host's state is: tells a copy from the original.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace drover {

/// Notes in `dir`/here where the folder is, and compares with what stands there. A folder that was
/// moved is claimed anew. A copy whose original is still in its place on this machine is refused:
/// its spool names processes that are the original's, and adopting or killing them would hurt both.
std::optional<failure> claim_folder(const std::string& dir);

/// A number that no other folder of this machine has at this time; stays while the folder does.
uint64_t folder_number(const std::string& dir);

} // namespace drover
