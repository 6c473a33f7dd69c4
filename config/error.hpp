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
  friend bool operator==(const config_error&, const config_error&) = default;
};

/// "file:line:column: message", which editors and terminals can follow.
std::string format(const config_error& error, std::string_view file);

} // namespace drover
