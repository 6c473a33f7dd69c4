#pragma once
// The stored form of what the farm gave to a host to prove itself with.
// SPDX-License-Identifier: Apache-2.0

#include "schema/enrolment.hpp"
#include "schema/error.hpp"

#include <string_view>

namespace drover::record {

std::string encode(const host_identity& value);
expected<host_identity> decode_host_identity(std::string_view bytes);

} // namespace drover::record
