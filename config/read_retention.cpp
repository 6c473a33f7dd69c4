// SPDX-License-Identifier: Apache-2.0
#include "config/read_builder.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_retention.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <optional>

namespace drover {
namespace {

constexpr std::chrono::hours day{24};

/// Longer than a step may take: days and months. Nothing: an error was told.
std::optional<milliseconds> read_age(reader& in, std::string_view key, const yaml::node& from) {
  std::string written;
  if (!in.text(key, from, written))
    return std::nullopt;
  auto value = parse_duration(written);
  if (!value)
    in.error(from.at, fmt::format("{}: '{}' is no duration; write e.g. 30s, 10m, 2h, 1d", key,
                                  printable(written, limits::name_bytes_max)));
  return value;
}

void out_of_range(reader& in, std::string_view key, const yaml::node& from,
                  const std::string& allowed) {
  std::string written;
  in.text(key, from, written);
  in.error(from.at, fmt::format("{}: '{}' is out of range; {} are allowed", key,
                                printable(written, limits::name_bytes_max), allowed));
}

void read_retention_age(reader& in, const yaml::node& from, milliseconds& out) {
  auto value = read_age(in, "age", from);
  if (!value)
    return;
  if (*value <= milliseconds{0} || *value > limits::retention_age_max)
    out_of_range(in, "age", from,
                 fmt::format("more than 0 and at most {}d", limits::retention_age_max / day));
  else
    out = *value;
}

} // namespace

void read_retire_after(reader& in, const yaml::node& from, milliseconds& out) {
  auto value = read_age(in, "retire_after", from);
  if (!value)
    return;
  if (*value < limits::retire_after_min || *value > limits::retire_after_max)
    out_of_range(
      in, "retire_after", from,
      fmt::format("{}d to {}d", limits::retire_after_min / day, limits::retire_after_max / day));
  else
    out = *value;
}

void read_retention(reader& in, std::string_view key, const yaml::node& from, retention_spec& out) {
  using yaml::node;
  in.mapping(key, from,
             {{"age", [&](const node& value) { read_retention_age(in, value, out.age); }},
              {"budget", [&](const node& value) { in.size("budget", value, out.budget); }},
              {"last", [&](const node& value) { in.number("last", value, out.keep_last); }}});
}

} // namespace drover
