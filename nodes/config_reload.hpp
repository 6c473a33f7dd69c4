#pragma once
// The configuration from the disk as the coordinator takes it: all of it, or the mistakes.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm_types.hpp"
#include "config/error.hpp"

#include <string>
#include <variant>
#include <vector>

namespace drover {

struct loaded_config {
  reload_config request;              ///< for the coordinator; `source.generation` is left to it
  std::vector<config_error> warnings; ///< with their files, as mistakes
};

/// All mistakes, at least one; each `file` is named, as it is found from here.
struct config_refused {
  std::vector<config_error> errors;
};
/// "file:line:column: message" of such a mistake.
std::string line_of(const config_error& error);

/// Reads and checks the main file at `path` and what it includes; `by` is who wants it in force.
/// Nothing is in force until the coordinator has answered the request. Blocks for the disk.
std::variant<loaded_config, config_refused> load_for_reload(const std::string& path,
                                                            const std::string& by);

} // namespace drover
