#pragma once
// A step's `cache` as a field of the attempt's folder in the spool.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"
#include "schema/error.hpp"

#include <string_view>

namespace drover {

std::string encode(const cache_spec& value);
expected<cache_spec> decode_cache_spec(std::string_view bytes);

} // namespace drover
