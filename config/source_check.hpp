#pragma once
// What is wrong with a source that is a timer.
// SPDX-License-Identifier: Apache-2.0

#include "config/place.hpp"
#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover {

/// A mistake within "sources/NAME": at `key`, or at the key's name with a '#' behind it.
struct source_mistake {
  std::string key;
  size_t character = 0; ///< of a text at `key`, where the mistake is
  std::string message;
};

/// Its schedule, its zone, and keys that only other sources have. Whether the source that it is of
/// exists is not looked at.
std::vector<source_mistake> check_timer(const source_spec& timer);

} // namespace drover
