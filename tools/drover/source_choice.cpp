// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/source_choice.hpp"

#include "schema/names.hpp"

#include <algorithm>

namespace drover::cli {

namespace {

failure about(const std::string& source, const std::string& what) {
  return {ec::bad_input, "source '" + printable(source, 200) + "': " + what};
}

} // namespace

expected<std::map<std::string, std::string>>
choose_sources(const std::vector<std::string>& builders, const std::vector<std::string>& sources) {
  std::map<std::string, std::string> out;
  std::string for_all;
  for (const auto& source : sources) {
    auto equals = source.find('=');
    auto builder = source.substr(0, equals);
    bool for_one = equals != std::string::npos
                   && std::find(builders.begin(), builders.end(), builder) != builders.end();
    auto path = for_one ? source.substr(equals + 1) : source;
    if (path.empty())
      return about(source, "names nothing");
    if (!for_one && !for_all.empty())
      return about(source, "a second source for all builders; write BUILDER=SOURCE for one");
    if (!for_one)
      for_all = path;
    else if (!out.emplace(builder, path).second)
      return about(source, "a second source for builder '" + builder + "'");
  }
  for (const auto& builder : builders)
    if (!for_all.empty())
      out.emplace(builder, for_all);
  return out;
}

expected<std::map<std::string, std::string>> parse_pairs(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> out;
  for (const auto& pair : pairs) {
    auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return failure{ec::bad_input, "--param '" + printable(pair, 80) + "': write NAME=VALUE"};
    if (!out.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      return failure{ec::bad_input,
                     "--param '" + printable(pair.substr(0, equals), 80) + "': comes twice"};
  }
  return out;
}

} // namespace drover::cli
