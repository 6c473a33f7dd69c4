// SPDX-License-Identifier: Apache-2.0
#include "actors/core/rights.hpp"

#include "actors/core/glob.hpp"

#include <algorithm>

namespace drover::core {

namespace {

void add(const user_spec& user, rights& out) {
  for (const auto& role : user.roles) {
    out.admin |= role == "admin";
    out.force |= role == "force";
    out.view |= role == "view";
  }
}

} // namespace

rights rights_of(const std::vector<user_spec>& users, std::string_view name) {
  rights out;
  out.view = users.empty();
  for (const auto& user : users) {
    if (user.name == anyone)
      out.view |= std::find(user.roles.begin(), user.roles.end(), "view") != user.roles.end();
    else if (user.name == name) {
      add(user, out);
      out.builders = user.builders;
    }
  }
  if (out.admin)
    out.builders.clear();
  out.force |= out.admin;
  out.view |= out.force;
  return out;
}

bool is_among(const std::vector<std::string>& builders, std::string_view builder) {
  return builders.empty()
         || std::any_of(builders.begin(), builders.end(),
                        [&](const std::string& glob) { return glob_matches(glob, builder); });
}

bool may_force(const rights& has, std::string_view builder) {
  return has.force && is_among(has.builders, builder);
}

} // namespace drover::core
