// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/lines.hpp"

#include "schema/limits_tests.hpp"

namespace drover::core::dialects {

bool line_splitter::is_escaped(char c) {
  auto byte = static_cast<unsigned char>(c);
  switch (escape_) {
  case escape_state::none:
    if (c != '\x1b')
      return false;
    escape_ = escape_state::begun;
    return true;
  case escape_state::begun:
    if (c == '[')
      escape_ = escape_state::sequence;
    else if (c == ']' || c == 'P' || c == '^' || c == '_' || c == 'X')
      escape_ = escape_state::text;
    else if (byte < 0x20 || byte > 0x2f) // those between ask for one more
      escape_ = escape_state::none;
    return true;
  case escape_state::sequence:
    if (byte >= 0x40 && byte <= 0x7e)
      escape_ = escape_state::none;
    return true;
  case escape_state::text:
    if (c == '\a')
      escape_ = escape_state::none;
    else if (c == '\x1b')
      escape_ = escape_state::begun; // the ESC \ that ends it
    return true;
  }
  return false;
}

bool line_splitter::add(char c) {
  bool follows_cr = after_cr_;
  after_cr_ = c == '\r';
  if (c == '\n' && follows_cr)
    return false;
  if (c == '\n' || c == '\r') {
    escape_ = escape_state::none;
    return true;
  }
  if (!is_escaped(c) && (static_cast<unsigned char>(c) >= 0x20 || c == '\t') && c != '\x7f')
    append(c);
  return false;
}

void line_splitter::append(char c) {
  if (head_.size() < limits::test_line_head_bytes) {
    head_ += c;
    return;
  }
  tail_ += c;
  if (tail_.size() >= 2 * limits::test_line_tail_bytes)
    tail_.erase(0, tail_.size() - limits::test_line_tail_bytes);
}

std::string_view line_splitter::cut() {
  line_.swap(head_);
  if (tail_.size() > limits::test_line_tail_bytes)
    tail_.erase(0, tail_.size() - limits::test_line_tail_bytes);
  line_ += tail_;
  head_.clear();
  tail_.clear();
  return line_;
}

} // namespace drover::core::dialects
