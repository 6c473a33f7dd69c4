#pragma once
// farm.yaml -> a validated farm_config, or all mistakes at once.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover {

struct config_report {
  std::optional<farm_config> config; ///< there if, and only if, there are no errors
  /// In the order of the file, at most limits::config_errors_max of each.
  std::vector<config_error> errors;
  std::vector<config_error> warnings;
};

/// Reads and validates a configuration. Pure.
config_report check_config(std::string_view text);

/// `check_config` without the warnings.
std::variant<farm_config, std::vector<config_error>> parse_config(std::string_view text);

/// `check_config` of a file. One that can't be read is an error of line 0.
config_report load_config(const std::string& path);

} // namespace drover
