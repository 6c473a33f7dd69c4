#pragma once
// What a well-formed configuration must still satisfy: names, references, bounds, requirements.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "config/place.hpp"
#include "schema/model.hpp"

#include <vector>

namespace drover {

struct findings {
  std::vector<config_error> errors;
  /// What is allowed and probably not meant.
  std::vector<config_error> warnings;
};

/// Checks everything that reading could not. A value whose place isn't known is reported at the
/// nearest thing around it that has one.
findings validate(const farm_config& config, const places& where);

} // namespace drover
