#pragma once
// What the farm gave to hosts to prove themselves with: records of certificates, by host name.
// SPDX-License-Identifier: Apache-2.0

#include "schema/enrolment.hpp"
#include "storage/store.hpp"

namespace drover::storage {

void put_identity(write_batch& batch, const host_identity& identity);
expected<std::optional<host_identity>> read_identity(const store& from, const host_name& name);
/// All of them, by name.
expected<std::vector<host_identity>> read_identities(const store& from);

/// Whether a host of this name has been here; one that was only named in a configuration has not.
expected<bool> has_worked(const store& from, const host_name& name);

} // namespace drover::storage
