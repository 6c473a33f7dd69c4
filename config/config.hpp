#pragma once
// farm.yaml -> a validated farm_config, or all mistakes at once.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "config/include.hpp"
#include "config/place.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover {

struct config_report {
  std::optional<farm_config> config; ///< there if, and only if, there are no errors
  /// In the order of the files, at most limits::config_errors_max of each.
  std::vector<config_error> errors;
  std::vector<config_error> warnings;
  /// Path from the main file's folder -> text, of all files that were read, for config_record.
  string_map files;
  std::vector<std::string> names; ///< of the files, by config_error::file_number
  places where;                   ///< for further checks of a config that is there
};

/// Reads and validates the configuration whose main file is called `main`. Pure but for `from`.
config_report check_config(const std::string& main, const config_files& from);

/// The same of one text, which can't include anything. Pure.
config_report check_config(std::string_view text);

/// `check_config` without the warnings.
std::variant<farm_config, std::vector<config_error>> parse_config(std::string_view text);

/// `check_config` of a file and those that it includes. One that can't be read is an error of line
/// 0; `files` has the main one by its name without folders.
config_report load_config(const std::string& path);

} // namespace drover
