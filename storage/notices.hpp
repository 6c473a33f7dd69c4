#pragma once
// The outbox in the store: notices, which of them wait, incidents, and how far the journal was
// read.
//
// `put_*` only fill a batch: the recorder commits it. The layout is storage/KEYS.md.
// SPDX-License-Identifier: Apache-2.0

#include "schema/incident.hpp"
#include "storage/store.hpp"

namespace drover::storage {

/// Writes the notice and keeps the index right: an entry while it waits.
void put_notice(write_batch& batch, const notice_record& notice);
void remove_notice(write_batch& batch, const notice_record& notice);
expected<std::optional<notice_record>> read_notice(const store& from, uint64_t id);
/// Before `before` (0: from the newest), newest first, that `accept` wants, `rows` at most.
expected<std::vector<notice_record>>
list_notices(const store& from, uint64_t before, size_t rows,
             const std::function<bool(const notice_record&)>& accept);
/// Those of one reporter that wait, the oldest first, `rows` at most.
expected<std::vector<notice_record>> waiting_notices(const store& from, const std::string& reporter,
                                                     size_t rows);
/// Names of reporters for which something waits.
expected<std::vector<std::string>> reporters_awaited(const store& from);

void put_incident(write_batch& batch, const incident_record& incident);
expected<std::vector<incident_record>> read_incidents(const store& from);

void put_outbox_mark(write_batch& batch, const outbox_mark& mark);
/// Nothing where no outbox has ever run on the store.
expected<std::optional<outbox_mark>> read_outbox_mark(const store& from);

} // namespace drover::storage
