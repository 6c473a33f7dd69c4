// SPDX-License-Identifier: Apache-2.0
#include "config/read_builder.hpp"

namespace drover {

void read_retention(reader& in, std::string_view key, const yaml::node& from, retention_spec& out) {
  using yaml::node;
  in.mapping(key, from,
             {{"age", [&](const node& value) { in.duration("age", value, out.age); }},
              {"budget", [&](const node& value) { in.size("budget", value, out.budget); }},
              {"last", [&](const node& value) { in.number("last", value, out.keep_last); }}});
}

} // namespace drover
