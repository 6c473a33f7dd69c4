#pragma once
// Puts a backup in the place of a farm's store, while nothing runs there.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <string>

namespace drover::cli {

/// Copies the store of `backup` (a folder of `drover admin backup`) to `dir`/coordinator/store and
/// keeps the store that was there beside it; keys and farm.yaml only where the farm has none.
/// Returns one sentence that says what is where. Refused while a
/// coordinator has the store open or `drover up` runs the farm. A failure leaves the old store.
expected<std::string> restore_store(const std::string& backup, const std::string& dir);

} // namespace drover::cli
