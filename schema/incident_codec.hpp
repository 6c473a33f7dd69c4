#pragma once
// Stored values of the outbox beside its notices (schema/record_codec.hpp has those).
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/incident.hpp"

#include <string>
#include <string_view>

namespace drover::record {

std::string encode(const incident_record& value);
std::string encode(const outbox_mark& value);
expected<incident_record> decode_incident(std::string_view bytes);
expected<outbox_mark> decode_outbox_mark(std::string_view bytes);

} // namespace drover::record
