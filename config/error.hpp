#pragma once
// A mistake in a configuration, with the place where a person can mend it.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <string>
#include <string_view>

namespace drover {

/// Line and column count from 1, columns in characters; line 0 means the file as a whole.
struct config_error {
  size_t line = 0;
  size_t column = 0;
  std::string message;
  size_t file_number = 0; ///< 0: the main file; included ones follow in the order of reading
  std::string file = {};  ///< of an included one: its path from the main file's folder
  friend bool operator==(const config_error&, const config_error&) = default;
};

/// "file:line:column: message", which editors and terminals can follow. `main` is the main file as
/// people named it.
std::string format(const config_error& error, std::string_view main);
/// The file of the error as it is found from here: `main`, or the included one beside it.
std::string file_of(const config_error& error, std::string_view main);

} // namespace drover
