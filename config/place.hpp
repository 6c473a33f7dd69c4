#pragma once
// Where the values of a configuration stand, by their paths in it.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace drover {

/// Where a value stands in its file.
struct place {
  size_t line = 0;
  size_t column = 0;
  /// Column of the value's first character if the file has it unchanged in one line.
  std::optional<size_t> text_column;
  size_t file = 0; ///< as config_error::file_number
};

/// Places by path, "builders/check/steps/0/name"; a key's own place has '#' behind the path.
using places = std::map<std::string, place>;

} // namespace drover
