#pragma once
// A failed example as doctest and `sage -t` print it, from its File line on.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/dialects/text.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace drover::core::dialects {

/// Collects `File "f", line n, in item`, `Failed example:`, the source and what came instead.
class failure_block {
public:
  /// Begins anew if `text` is such a File line, and says whether it is.
  bool begin(std::string_view text);
  void add(std::string_view text);
  void clear() { *this = failure_block{}; }

  /// Whether the line after the File line was there too: it is a failure and no other text.
  bool is_confirmed() const { return is_confirmed_; }
  const std::string& file() const { return file_; }
  const std::string& item() const { return item_; }
  const std::string& source() const { return source_; }
  uint32_t line() const { return line_; }
  std::string message() const { return message_.text(); }

private:
  std::string file_;
  std::string item_;
  std::string source_;
  uint32_t line_ = 0;
  bool is_confirmed_ = false;
  bool in_source_ = false;
  excerpt message_;
};

} // namespace drover::core::dialects
