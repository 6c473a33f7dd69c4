// SPDX-License-Identifier: Apache-2.0
#include "config/read_builder.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_retention.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

namespace drover {
namespace {

/// Longer than a step may take: artifacts are kept for months.
void read_age(reader& in, const yaml::node& from, milliseconds& out) {
  std::string written;
  if (!in.text("age", from, written))
    return;
  auto shown = printable(written, limits::name_bytes_max);
  auto value = parse_duration(written);
  if (!value)
    in.error(from.at, fmt::format("age: '{}' is no duration; write e.g. 30s, 10m, 2h, 1d", shown));
  else if (*value <= milliseconds{0} || *value > limits::retention_age_max)
    in.error(from.at,
             fmt::format("age: '{}' is out of range; more than 0 and at most {}d are allowed",
                         shown, limits::retention_age_max / std::chrono::hours{24}));
  else
    out = *value;
}

} // namespace

void read_retention(reader& in, std::string_view key, const yaml::node& from, retention_spec& out) {
  using yaml::node;
  in.mapping(key, from,
             {{"age", [&](const node& value) { read_age(in, value, out.age); }},
              {"budget", [&](const node& value) { in.size("budget", value, out.budget); }},
              {"last", [&](const node& value) { in.number("last", value, out.keep_last); }}});
}

} // namespace drover
