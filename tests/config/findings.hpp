#pragma once
// What a check of a configuration finds, as text: "f:3:5: ...", a line each.
// SPDX-License-Identifier: Apache-2.0

#include "config/config.hpp"
#include "tests/catch.hpp"

namespace drover::test {

inline std::string lines(const std::vector<config_error>& all) {
  std::string text;
  for (const auto& error : all)
    text += (text.empty() ? "" : "\n") + format(error, "f");
  return text;
}

inline std::string errors_of(std::string_view text) {
  return lines(check_config(text).errors);
}

inline std::string warnings_of(std::string_view text) {
  auto report = check_config(text);
  CHECK(lines(report.errors).empty());
  return lines(report.warnings);
}

} // namespace drover::test
