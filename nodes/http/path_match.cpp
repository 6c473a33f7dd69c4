// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/path_match.hpp"

#include <algorithm>

namespace drover::http {

std::optional<std::vector<std::string>> match_path(std::string_view pattern,
                                                   const std::vector<std::string>& path) {
  std::vector<std::string> captures;
  size_t at = 0;
  while (!pattern.empty()) {
    auto end = std::min(pattern.find('/'), pattern.size());
    auto segment = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    if (at == path.size())
      return std::nullopt;
    if (segment == "**") {
      auto rest = path[at++];
      for (; at < path.size(); ++at)
        rest += "/" + path[at];
      captures.push_back(std::move(rest));
    } else if (segment == "*") {
      captures.push_back(path[at++]);
    } else if (segment != path[at++]) {
      return std::nullopt;
    }
  }
  if (at != path.size())
    return std::nullopt;
  return captures;
}

} // namespace drover::http
