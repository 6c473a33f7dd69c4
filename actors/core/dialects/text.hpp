#pragma once
// Small parsers of lines that all dialects share. Pure, and without memory of their own.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::core::dialects {

/// Removes blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// Removes `prefix` from `text` if it begins with it, and says whether it did.
bool take(std::string_view& text, std::string_view prefix);

/// Removes a number without sign from the beginning; nothing is removed if there is none or if it
/// does not fit.
std::optional<uint64_t> take_number(std::string_view& text);

/// Seconds as tools print them: "0.01", "1,234.5"; below 0 for what is no finite number.
double seconds_of(std::string_view text);

/// Whether `text` is `least` or more of `c` and nothing else.
bool is_line_of(std::string_view text, char c, size_t least);

/// Valid UTF-8 of at most `bytes_max` bytes: what is no UTF-8 becomes U+FFFD, control characters
/// but line ends and tabs vanish, what is too long ends in "...".
std::string clean_text(std::string_view text, size_t bytes_max);

/// Some lines of a text of any length: those at its beginning and those at its end.
class excerpt {
public:
  void add(std::string_view line);
  bool empty() const { return head_.empty(); }
  /// The lines, with "[N lines left out]" where some are missing. Blank lines at the end go.
  std::string text() const;
  void clear() { *this = excerpt{}; }

private:
  std::vector<std::string> head_;
  std::deque<std::string> tail_;
  uint64_t left_out_ = 0;
};

} // namespace drover::core::dialects
