#pragma once
// A configuration of several files as one tree: `include`, what it may name, and who says what.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "config/yaml.hpp"
#include "schema/error.hpp"
#include "schema/model.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// The outside as `gather` sees it. Paths are relative to the main file's folder, never above it.
struct config_files {
  /// The text, more than limits::config_bytes_max of it only if the file has more; a failure says
  /// in its text why it can't be had.
  std::function<expected<std::string>(const std::string& path)> read;
  /// The names in a folder (empty: the main file's own), in any order.
  std::function<expected<std::vector<std::string>>(const std::string& folder)> list;
};

struct gathered {
  /// The sections of all files, one after the other; missing if the main file can't be read at all.
  std::optional<yaml::node> root;
  std::vector<config_error> errors;
  std::vector<config_error> warnings;
  std::vector<std::string> names; ///< of the files, by config_error::file_number
  string_map texts;               ///< path -> text
};

/// Reads `main` and all that it includes, each file once, in the order in which they are named.
/// What is defined twice stays as the first file has it and is an error. Hostile files can't make
/// it read more than limits::config_files_max of them or limits::config_bytes_max together.
gathered gather(const std::string& main, const config_files& from);

/// Whether a name fits a pattern of '*' (any text) and '?' (one character); a name that begins with
/// a dot only fits a pattern that does. In time of their lengths' product.
bool fits_pattern(std::string_view name, std::string_view pattern);

} // namespace drover
