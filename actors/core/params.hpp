#pragma once
// A builder's parameters and what a submission says of them. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"

#include <optional>

namespace drover::core {

/// Why `value` can't be the parameter's, in one sentence; nothing: it can.
std::optional<std::string> value_problem(const param_spec& param, const std::string& value);

/// What is wrong with `given` for this builder: an unknown name, a value that its kind forbids, a
/// required one that is missing. A builder that names no parameters takes any.
std::optional<failure> params_problem(const builder_spec& builder, const string_map& given);

/// The values of a build: the builder's fallbacks, and `given` over them.
string_map params_of(const builder_spec& builder, const string_map& given);

} // namespace drover::core
