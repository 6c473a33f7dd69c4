#pragma once
// What a well-formed configuration must still satisfy: names, references, bounds, requirements.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "schema/model.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// Where a value stands in the file.
struct place {
  size_t line = 0;
  size_t column = 0;
  /// Column of the value's first character if the file has it unchanged in one line.
  std::optional<size_t> text_column;
};

/// Places by path, "builders/check/steps/0/name"; a key's own place has '#' behind the path.
using places = std::map<std::string, place>;

struct findings {
  std::vector<config_error> errors;
  /// What is allowed and probably not meant.
  std::vector<config_error> warnings;
};

/// Checks everything that reading could not. A value whose place isn't known is reported at the
/// nearest thing around it that has one.
findings validate(const farm_config& config, const places& where);

} // namespace drover
