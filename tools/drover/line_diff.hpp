#pragma once
// What changed between two texts, line by line. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <vector>

namespace drover::cli {

/// Lines that begin with "-" (went), "+" (came) or " " (around them), in the order of the texts;
/// "..." where equal lines were left out. Empty: the texts are the same.
std::vector<std::string> line_diff(std::string_view before, std::string_view after);

} // namespace drover::cli
