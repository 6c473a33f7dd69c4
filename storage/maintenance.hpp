#pragma once
// What keeps a store in order: reading all of it against its checksums, removing what is old.
//
// Both read page by page and may run for hours beside a working farm.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

namespace drover::storage {

/// Asked again and again by long work; false ends it with `ec::unavailable`.
using keep_going = std::function<bool()>;

// -- verification --------------------------------------------------------------------------------

/// Something stored that is not what it should be.
struct damage {
  std::string what; ///< "build 12, step 0", "log of 12/0/1 at byte 0", "blob 8d99..."
  std::string why;
  friend bool operator==(const damage&, const damage&) = default;
};

struct verify_report {
  uint64_t records = 0;        ///< values that were decoded
  uint64_t log_segments = 0;   ///< decompressed
  uint64_t blobs = 0;          ///< whole ones, each piece and the whole by its SHA-256
  uint64_t bytes = 0;          ///< read
  uint64_t damages = 0;        ///< all of them
  std::vector<damage> damaged; ///< the first limits::damages_told_max
};

/// Reads one blob, each piece and the whole by its SHA-256; answers its size.
expected<uint64_t> check_blob(const store& in, std::string_view sha256, const keep_going& go);

/// Reads every value through its codec and all content by its digests, and looks whether what
/// records name is there. Fails only if it can't go on; damage is in the report.
expected<verify_report> verify(const store& in, const keep_going& go);

// -- removal of what is old ----------------------------------------------------------------------

struct clean_up_rules {
  wall_time now;
  milliseconds older_than{0};
  uint64_t events_kept = 0;
  milliseconds content_grace{0};
};

struct clean_up_report {
  uint64_t builds = 0;
  uint64_t campaigns = 0;
  uint64_t events = 0;
  uint64_t blobs = 0;
  uint64_t bytes = 0; ///< of all that, as stored
};

/// Commits a batch durably; of the recorder, which alone writes records.
using committer = std::function<std::optional<failure>(write_batch batch)>;

/// Removes finished builds that are older than `older_than` with their logs, campaigns that are as
/// old and have no build left, the oldest events beyond `events_kept`, and content that nothing
/// refers to. Kept are the newest success of each builder, the builds of campaigns that are not as
/// old, and the newest build and campaign, which hold the counters. Content is removed in `in`
/// itself: it is not the recorder's. Stopped in between, it has removed whole builds only; the next
/// run does the rest.
expected<clean_up_report> clean_up(store& in, const clean_up_rules& rules, const committer& commit,
                                   const keep_going& go);
/// What `clean_up` would remove now.
expected<clean_up_report> preview_clean_up(const store& in, const clean_up_rules& rules,
                                           const keep_going& go);

} // namespace drover::storage
