#pragma once
// What is wrong with a user of a configuration, beyond its name.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"

#include <functional>

namespace drover {

struct user_mistake {
  std::string path; ///< as places have it
  std::string text;
  bool is_doubt = false; ///< a warning
};

/// `is_there`: whether the file has something at a path.
std::vector<user_mistake> user_mistakes(const user_spec& user, const farm_config& farm,
                                        const std::function<bool(const std::string&)>& is_there);

} // namespace drover
