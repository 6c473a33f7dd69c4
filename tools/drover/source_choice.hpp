#pragma once
// Which builder gets which source, from what `drover submit` was told.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <map>
#include <string>
#include <vector>

namespace drover::cli {

/// Builder to source. Each of `sources` is a file, an address or a revision for all builders, or
/// BUILDER=SOURCE for one of `builders`. Naming two sources for one builder is an error.
expected<std::map<std::string, std::string>>
choose_sources(const std::vector<std::string>& builders, const std::vector<std::string>& sources);

/// NAME=VALUE pairs; a name twice, an empty name, or no '=' is an error.
expected<std::map<std::string, std::string>> parse_pairs(const std::vector<std::string>& pairs);

} // namespace drover::cli
