// SPDX-License-Identifier: Apache-2.0
#include "actors/core/authors.hpp"

#include "schema/limits.hpp"

#include <algorithm>

namespace drover::core {

namespace {

constexpr std::string_view between = "; ";

} // namespace

bool add_author(std::string& authors, std::string_view one) {
  std::string name{one};
  std::replace(name.begin(), name.end(), ';', ',');
  auto known = each_author(authors);
  if (name.empty() || std::find(known.begin(), known.end(), name) != known.end())
    return true;
  auto longer = authors + (authors.empty() ? "" : std::string{between}) + name;
  if (longer.size() > limits::value_bytes_max)
    return false;
  authors = std::move(longer);
  return true;
}

std::vector<std::string> each_author(std::string_view authors) {
  std::vector<std::string> out;
  while (!authors.empty()) {
    auto end = authors.find(between);
    out.emplace_back(authors.substr(0, end));
    if (end == std::string_view::npos)
      break;
    authors.remove_prefix(end + between.size());
  }
  return out;
}

} // namespace drover::core
