#pragma once
// Cuts a stream of bytes into lines, without colours and with a bound.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>

namespace drover::core::dialects {

/// Gives the same lines however the bytes are cut into pieces. Escape sequences and control
/// characters but tabs are left out; LF, CR LF and CR end a line. Of a line that is too long its
/// beginning and its end are kept.
class line_splitter {
public:
  /// Calls `line(std::string_view)` for each line that ends within `bytes`.
  template <class OnLine>
  void feed(std::string_view bytes, OnLine&& line) {
    for (char c : bytes)
      if (add(c))
        line(cut());
  }

  /// Calls `line` with what follows the last line's end, if anything.
  template <class OnLine>
  void finish(OnLine&& line) {
    if (!head_.empty())
      line(cut());
  }

private:
  enum class escape_state : uint8_t { none, begun, sequence, text };

  /// True if `c` ends a line.
  bool add(char c);
  bool is_escaped(char c);
  void append(char c);
  /// The line, until the next call of anything.
  std::string_view cut();

  std::string head_;
  std::string tail_;
  std::string line_;
  escape_state escape_ = escape_state::none;
  bool after_cr_ = false;
};

} // namespace drover::core::dialects
