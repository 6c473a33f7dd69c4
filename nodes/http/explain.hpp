#pragma once
// What an explanation needs to know beside the records: read from the store, within bounds.
//
// The words are made in actors/core/explain; nothing else makes any.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/explain/explain.hpp"
#include "storage/tables.hpp"

namespace drover::http {

using core::campaign_verdict;
using core::explanation;
using core::judge_campaign;

/// The log's end, the neighbours and the repeats of a build. What can't be read is said in
/// `problems`: it takes nothing from the rest. `now`, `host` and `generation` are the caller's.
core::build_surroundings look_around(const storage::store& store, const build_file& file);

/// Puts the coordinator's present view over a stored record.
void merge(build_record& build, const std::vector<waiting_view>& views);

/// Who took the certificates of a host back that is away, and why; empty: nobody.
expected<std::string> revocation_of(const storage::store& store, const host_view& host);

/// What a host holds, with the names of builds and steps, and what was last written about it.
core::host_surroundings look_around(const storage::store& store, const host_view& host);

} // namespace drover::http
