#pragma once
// Builders against hosts that have told what they are: who can't be served by anybody.
// SPDX-License-Identifier: Apache-2.0

#include "config/config.hpp"

#include <string>
#include <vector>

namespace drover {

/// A host of a running farm.
struct known_host {
  std::string name;
  host_facts facts; ///< empty: it has never been seen
  string_map labels;
};

/// A warning for each builder that none of `hosts` can serve, with the nearest miss. A host that
/// the config names has the labels that it gives. `checked` has a config.
std::vector<config_error> unserved(const config_report& checked,
                                   const std::vector<known_host>& hosts);

} // namespace drover
