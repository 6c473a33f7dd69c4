#pragma once
// Log segments: a stretch of a log in compressed frames, so that a window of it is read cheaply.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <string>
#include <string_view>

namespace drover::storage {

/// The stored value of a segment that holds `bytes`.
expected<std::string> pack_segment(std::string_view bytes);
/// How many bytes of log the stored segment holds.
expected<uint64_t> segment_size(std::string_view value);
/// Up to `max` bytes of the segment from `offset`; empty at its end.
expected<std::string> unpack_segment(std::string_view value, uint64_t offset, size_t max);

} // namespace drover::storage
