#pragma once
// The end of an attempt's log.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

namespace drover::storage {

/// The last `max` bytes of what is stored of the log, or all of it if it is shorter.
expected<std::string> read_log_tail(const store& from, attempt_id attempt, uint64_t max);

} // namespace drover::storage
