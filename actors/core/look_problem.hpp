#pragma once
// What a look at a source could not have while it had the rest: a file that is half there, one that
// the server lists and keeps back. It travels in the look's cursor, and is told, not kept.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>

namespace drover::core {

/// No branch and no file has such a name.
inline constexpr const char* look_problem_name = "\x01problem";

/// The first one stands: it is told until it is over.
inline void add_look_problem(string_map& cursor, const std::string& problem) {
  cursor.try_emplace(look_problem_name, problem);
}

/// Takes it out of the cursor; empty: there was none.
inline std::string take_look_problem(string_map& cursor) {
  auto found = cursor.extract(look_problem_name);
  return found.empty() ? std::string{} : std::move(found.mapped());
}

} // namespace drover::core
