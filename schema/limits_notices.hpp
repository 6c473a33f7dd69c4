#pragma once
// Bounds of the outbox: what people are told, how often it is tried, how long it is kept.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// A red build of a campaign is told once its other cells have answered, or after this: the same
/// cause on several hosts is one notice.
inline constexpr milliseconds notice_settle = 30s;
/// Tries of a delivery: the first comes at once, the next ones after this, doubling, with jitter.
inline constexpr milliseconds notice_retry_first = 5s;
inline constexpr milliseconds notice_retry_max = 15min;
/// Older than this and tried so often, a notice is given up: it is no news any more.
inline constexpr milliseconds notice_age_max = 72h;
inline constexpr uint32_t notice_tries_min = 5;
/// Notices that are kept, the newest; older ones go whatever their state.
inline constexpr uint64_t notices_kept = 10'000;
/// Notices that wait for one reporter and are looked at together.
inline constexpr size_t notices_looked_max = 200;
/// Entries of the journal that the outbox takes at once.
inline constexpr size_t outbox_events_max = 200;
/// Entries that are no news may pass before the mark is written for their sake alone.
inline constexpr uint64_t outbox_mark_every = 1000;
/// How long the outbox waits for the journal in one go.
inline constexpr milliseconds outbox_patience = 60s;
/// Causes that an open incident remembers as told: one that flaps between them says each once.
inline constexpr size_t causes_told_max = 16;
/// Authors that hear of one problem; a range with more has no culprit.
inline constexpr size_t notice_authors_max = 20;
/// Changes since the last good build that are looked at, and that are named.
inline constexpr size_t notice_range_max = 100;
inline constexpr size_t notice_changes_told = 20;
/// Other builds red for the same cause, and cells of a campaign, that a notice names.
inline constexpr size_t notice_cells_told = 60;
inline constexpr size_t notice_evidence_told = 30;
inline constexpr size_t mail_address_bytes_max = 254;
/// What one try may take: to connect, and all in all.
inline constexpr milliseconds notice_connect_max = 15s;
inline constexpr milliseconds notice_try_max = 60s;
/// Bytes of an answer that are read, and shown of it.
inline constexpr size_t notice_answer_bytes_max = 4096;
inline constexpr size_t notice_answer_told = 200;

} // namespace drover::limits
