#pragma once
// What another configuration changes, for people. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>

namespace drover::core {

/// One line: "builder check changed; builder docs added; host h2 removed"; "nothing but comments"
/// where both mean the same.
std::string config_changes(const farm_config& before, const farm_config& after);

} // namespace drover::core
