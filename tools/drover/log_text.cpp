// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/log_text.hpp"

#include "schema/names.hpp"

#include <algorithm>

namespace drover::cli {

namespace {

constexpr char escape = '\x1b';
/// The longest colour sequence that is believed.
constexpr size_t sequence_bytes_max = 32;

bool in_sequence(char c) {
  return (c >= '0' && c <= '9') || c == ';' || c == ':';
}

/// Bytes of the colour sequence at the start of `text`; 0: there is none. `npos`: it may be one,
/// but its end has not come yet.
size_t colour_sequence(std::string_view text) {
  if (text.size() < 2)
    return std::string_view::npos;
  if (text[1] != '[')
    return 0;
  for (size_t i = 2; i < text.size() && i < sequence_bytes_max; ++i) {
    if (text[i] == 'm')
      return i + 1;
    if (!in_sequence(text[i]))
      return 0;
  }
  return text.size() < sequence_bytes_max ? std::string_view::npos : 0;
}

/// Bytes at the end of `text` that begin a UTF-8 character without ending it.
size_t unfinished_tail(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80)
      continue;
    size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

std::string plain(std::string_view text) {
  return printable(text, text.size() * 4 + 16);
}

/// The next byte that is not simply text.
size_t next_special(std::string_view text) {
  auto at = text.find_first_of("\n\t\r\x1b");
  return std::min(at, text.size());
}

} // namespace

std::string log_text::take(std::string_view bytes) {
  kept_ += bytes;
  std::string_view rest = kept_;
  std::string out;
  while (!rest.empty()) {
    auto run = next_special(rest);
    auto text = rest.substr(0, run);
    if (run == rest.size())
      text.remove_suffix(unfinished_tail(text));
    out += plain(text);
    rest.remove_prefix(text.size());
    if (rest.empty() || text.size() != run)
      break;
    if (rest[0] == '\n' || rest[0] == '\t') {
      out += rest[0];
      rest.remove_prefix(1);
    } else if (rest[0] == '\r') {
      if (rest.size() == 1)
        break; // what follows decides
      if (rest[1] != '\n')
        out += '\n';
      rest.remove_prefix(1);
    } else {
      auto length = colour_sequence(rest);
      if (length == std::string_view::npos)
        break;
      if (length > 0 && colours_ == sgr::keep) {
        out += rest.substr(0, length);
        coloured_ = true;
      }
      if (length == 0)
        out += plain(rest.substr(0, 1));
      rest.remove_prefix(std::max<size_t>(1, length));
    }
  }
  kept_ = std::string{rest};
  return out;
}

std::string log_text::finish() {
  auto out = kept_ == "\r" ? std::string{"\n"} : plain(kept_);
  kept_.clear();
  if (coloured_)
    out += "\x1b[0m";
  coloured_ = false;
  return out;
}

} // namespace drover::cli
