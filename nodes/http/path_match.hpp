#pragma once
// Addresses with wildcards: of the API and of the pages.
// SPDX-License-Identifier: Apache-2.0

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::http {

/// What the wildcards of `pattern` stand for in `path`, or nothing if it doesn't match. `*` is one
/// segment of any text, `**` one or more at the end.
std::optional<std::vector<std::string>> match_path(std::string_view pattern,
                                                   const std::vector<std::string>& path);

} // namespace drover::http
