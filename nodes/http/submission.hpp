#pragma once
// A submission as JSON becomes a value, or one sentence that says where it is wrong.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"

#include <string_view>

namespace drover::http {

/// Strict: unknown fields, wrong types, bad names and too long texts are `bad_input`. Whether the
/// builders exist and the sources are stored is not looked at.
expected<submission> parse_submission(std::string_view text);

} // namespace drover::http
