#pragma once
// Entries of the farm's journal as people read them.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/answers.hpp"

#include <string>
#include <vector>

namespace drover::cli {

/// "2026-01-31 12:00:00  build_finished     #12 hello on h1: success, all steps ended well".
std::string event_line(const json& event, const screen& out);

/// All kinds of entries that this program knows.
std::vector<std::string> event_kinds();

} // namespace drover::cli
