#pragma once
// What is wrong with the times of a source.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"
#include "config/place.hpp"
#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover {

/// A mistake within a source: of the value at "/KEY", of the key itself at "/KEY#", of the source's
/// name at "#".
struct source_mistake {
  std::string key;
  size_t character = 0; ///< of a text at `key`, where the mistake is
  std::string message;
};

/// Of a timer: its schedule, its zone, what it is of, and keys that only other sources have; of
/// another source: keys that only timers have.
std::vector<source_mistake> check_times(const source_spec& source, const farm_config& farm);

/// The mistake as an error of the file, `where` being the place of its key.
config_error placed(const source_mistake& wrong, const place& where);

} // namespace drover
