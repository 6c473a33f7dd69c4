// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/python_failure.hpp"

#include <algorithm>
#include <limits>

namespace drover::core::dialects {

bool failure_block::begin(std::string_view text) {
  if (!take(text, "File \""))
    return false;
  auto quote = text.find("\", line ");
  if (quote == std::string_view::npos)
    return false;
  clear();
  file_ = text.substr(0, quote);
  text.remove_prefix(quote + std::string_view{"\", line "}.size());
  auto number = take_number(text);
  if (!number)
    return false;
  line_ = static_cast<uint32_t>(std::min<uint64_t>(*number, std::numeric_limits<uint32_t>::max()));
  if (take(text, ", in "))
    item_ = text;
  else if (take(text, ":"))
    in_source_ = is_confirmed_ = true; // sage -t of 2010: the source follows
  return true;
}

void failure_block::add(std::string_view text) {
  bool is_title = text == "Failed example:" || text.starts_with("Failed example:")
                  || text.starts_with("Exception raised:");
  if (!is_confirmed_) {
    is_confirmed_ = is_title;
    in_source_ = is_title;
    if (text.starts_with("Exception raised:"))
      message_.add(text);
    return;
  }
  if (in_source_ && text.starts_with(" ")) {
    if (source_.empty())
      source_ = trimmed(text);
    else if (!source_.ends_with(" ..."))
      source_ += " ...";
    return;
  }
  in_source_ = false;
  message_.add(text);
}

} // namespace drover::core::dialects
