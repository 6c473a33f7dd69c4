#pragma once
// Foreign output made fit for a terminal: what could move the cursor or lie is shown, not obeyed.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>

namespace drover::cli {

enum class sgr : uint8_t { drop, keep };

/// Takes a log in pieces of any size. Newlines and tabs stay; colours (ESC [ digits m) stay or go;
/// a lone carriage return becomes a newline; all else that is no text is escaped by `printable`.
class log_text {
public:
  explicit log_text(sgr colours) : colours_{colours} {}
  /// What can be shown of all that came; the start of an unfinished character or escape is kept.
  std::string take(std::string_view bytes);
  /// What was kept, as it is, and the end of a colour that is still on.
  std::string finish();

private:
  sgr colours_;
  bool coloured_ = false;
  std::string kept_;
};

} // namespace drover::cli
