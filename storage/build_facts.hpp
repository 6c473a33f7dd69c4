#pragma once
// What hosts were like when builds came to them.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "storage/store.hpp"

#include <map>

namespace drover::storage {

/// Keeps of `host` what a build's result may depend on: name, machine, facts, labels, version.
void put_build_facts(write_batch& batch, build_id build, uint32_t placement,
                     const host_record& host);
/// By placement; empty: the build was never placed, or before facts were kept.
expected<std::map<uint32_t, host_record>> read_build_facts(const store& from, build_id build);

} // namespace drover::storage
