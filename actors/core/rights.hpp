#pragma once
// What a person may do, by the configuration's users. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace drover::core {

/// The name in `users` that stands for people who have not signed in.
inline constexpr std::string_view anyone = "anyone";

struct rights {
  bool view = false;
  bool force = false;                     ///< submit, cancel, retry; implies `view`
  bool admin = false;                     ///< everything; implies `force`, of all builders
  std::vector<std::string> builders = {}; ///< that `force` is for, names or globs; empty: all
  friend bool operator==(const rights&, const rights&) = default;
};

/// What `name` may do. What `anyone` may, everybody may; empty or unknown names may only that. On a
/// farm whose configuration has no users, anyone may look. By name alone: whether the person is who
/// they say is the caller's matter.
rights rights_of(const std::vector<user_spec>& users, std::string_view name);

/// Whether builds of `builder` may be made, cancelled and repeated.
bool may_force(const rights& has, std::string_view builder);
/// The same by the builders alone, of one who has `force`.
bool is_among(const std::vector<std::string>& builders, std::string_view builder);

} // namespace drover::core
