#pragma once
// How a builder stands at a place, or a host, as far as people were told of it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

namespace drover {

/// One for each builder and place where it was ever judged, and one for each host that was ever
/// out. While it is open people were told, or will be at `tell_at`; nothing more is said unless the
/// cause changes.
struct incident_record {
  std::string builder; ///< empty: it is about the host `place` itself
  std::string place;   ///< "h1" or "linux/arm64", as the builder's `on` says; empty: any host
  bool open = false;   ///< red, or out
  build_id newest;     ///< the last build that was judged
  build_id last_green;
  campaign_id campaign; ///< of the build that opened it, or that changed its cause
  uint64_t event = 0;   ///< the journal's entry that opened it, or that changed its cause
  std::string thread;   ///< what all notices of it share
  std::string cause;    ///< equal as long as the cause is
  wall_time since;      ///< when it was opened
  wall_time tell_at;    ///< something waits to be told, then at the latest; 0: nothing does
  std::vector<std::string> causes_told = {};
  std::vector<std::string> authors_told = {}; ///< mail addresses, beside those that hear of all
  friend bool operator==(const incident_record&, const incident_record&) = default;
};

/// Where the outbox stands.
struct outbox_mark {
  uint64_t event = 0;  ///< the journal's last entry that was looked at
  uint64_t notice = 0; ///< the last id that was given to a notice
  friend bool operator==(const outbox_mark&, const outbox_mark&) = default;
};

} // namespace drover
