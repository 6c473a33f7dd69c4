#pragma once
// Server-sent events: an event stream's bytes, in pieces of any size, as events.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <vector>

namespace drover::cli {

struct sent_event {
  std::string id;   ///< the last one that was named, also by an event before
  std::string kind; ///< empty: none was named
  std::string data;
};

/// Keeps to the HTML standard's grammar as far as our farm needs it: lines end with LF or CR LF,
/// comments and `retry` are passed over. Lines beyond limits::stream_line_bytes_max are dropped.
class event_reader {
public:
  /// The events that are complete now.
  std::vector<sent_event> take(std::string_view bytes);

private:
  void take_line(std::string_view line, std::vector<sent_event>& out);

  std::string rest_;
  sent_event next_;
  bool has_data_ = false;
};

} // namespace drover::cli
