#pragma once
// Reads for those who remember builds: only what is new is decoded.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "storage/store.hpp"

namespace drover::storage {

/// The builds after this one, newest first, `rows` at most.
expected<std::vector<build_record>> builds_after(const store& from, build_id after, size_t rows);

/// Whether it has a record, which is not decoded.
expected<bool> has_build(const store& from, build_id build);

} // namespace drover::storage
