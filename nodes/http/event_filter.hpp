#pragma once
// Which entries of the journal a request wants, and how they are read without holding others up.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/routes.hpp"

#include <set>

namespace drover::http {

/// Empty fields let everything through.
struct event_filter {
  std::set<event_kind> kinds;
  build_id build;
  campaign_id campaign;
  std::string builder, host, by;

  bool wants(const event_record& event) const;
};

/// `kind= build= campaign= builder= host= by=`, or what is wrong with them.
expected<event_filter> event_filter_of(const request& asked);

/// A stretch of the journal that is looked at in one turn.
struct event_span {
  uint64_t after = 0;
  size_t rows = limits::event_rows_max;
};

/// Looks on from `span.after` until there are rows, the journal ends or the search has taken long
/// enough; other requests get their turn in between. `seen` says how far it came.
asio::awaitable<expected<storage::event_page>>
search_events(const api_context& api, const event_filter& filter, event_span span);

/// Waits until the journal goes beyond `after`, `patience` at most; answers its last sequence.
asio::awaitable<expected<uint64_t>> wait_for_event(api_context& api, uint64_t after,
                                                   milliseconds patience);

} // namespace drover::http
