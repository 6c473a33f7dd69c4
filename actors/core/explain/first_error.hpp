#pragma once
// Finds the line of a log that tells best why a command failed. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <vector>

namespace drover::core {

struct error_in_log {
  std::string line;                 ///< the telling one; empty: none was found
  std::vector<std::string> context; ///< it with its neighbours, as they stand in the log
};

/// The most telling line of the end of a failed command's log: of compilers, linkers, make,
/// configure scripts, Python tracebacks, test summaries, shells and the kernel. Among lines of the
/// same weight the first one, for the later ones often follow from it; of a traceback the last one.
/// `log_tail` may be anything: all that is returned is printable and bounded, and at most
/// limits::error_search_bytes_max of its end are looked at.
error_in_log first_error(std::string_view log_tail);

} // namespace drover::core
