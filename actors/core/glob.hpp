#pragma once
// Matching of relative paths against artifact globs.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <optional>
#include <string_view>

namespace drover {

/// Whether `path` matches `glob`: `*` and `?` stay within a name, `**` as a whole name stands for
/// any number of names (also none), `[a-z]` and `[!a-z]` for one character, `\` takes the next one
/// literally. A leading dot is nothing special. Work is bounded: a glob that needs more than
/// limits::glob_steps_max on a path does not match it.
bool glob_matches(std::string_view glob, std::string_view path);

/// Why `glob` can't be used, if so: absolute, empty, leaves the workspace by "..".
std::optional<failure> glob_problem(std::string_view glob);

} // namespace drover
