// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/text.hpp"

#include "schema/limits_tests.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace drover::core::dialects {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

/// Length of the UTF-8 sequence that `text` begins with, or 0 if it is none.
size_t sequence_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = byte(0) < 0x80                      ? 1
                  : byte(0) >= 0xc2 && byte(0) < 0xe0 ? 2
                  : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                  : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                      : 0;
  if (length == 0 || length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  bool is_overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  bool is_surrogate = byte(0) == 0xed && byte(1) >= 0xa0;
  bool is_too_high = byte(0) == 0xf4 && byte(1) >= 0x90;
  return is_overlong || is_surrogate || is_too_high ? 0 : length;
}

bool is_dropped_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
}

} // namespace

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

double seconds_of(std::string_view text) {
  std::string digits;
  for (char c : trimmed(text).substr(0, 64))
    if (c != ',')
      digits += c;
  double value = -1;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  return is_number && std::isfinite(value) && value >= 0 ? value : -1;
}

bool is_line_of(std::string_view text, char c, size_t least) {
  return text.size() >= least && text.find_first_not_of(c) == std::string_view::npos;
}

std::string clean_text(std::string_view text, size_t bytes_max) {
  std::string out;
  out.reserve(std::min(text.size(), bytes_max));
  while (!text.empty()) {
    if (is_dropped_control(text[0])) {
      text.remove_prefix(1);
      continue;
    }
    size_t length = sequence_length(text);
    std::string_view piece = length == 0 ? replacement : text.substr(0, length);
    if (out.size() + piece.size() > bytes_max) {
      // The dots take the place of whole characters.
      size_t end = bytes_max < 3 ? 0 : bytes_max - 3;
      end = std::min(end, out.size());
      while (end > 0 && end < out.size() && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80)
        --end;
      out.resize(end);
      return out + "...";
    }
    out += piece;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

void excerpt::add(std::string_view line) {
  line = line.substr(0, limits::test_message_bytes_max);
  if (head_.size() < limits::test_message_head_lines) {
    head_.emplace_back(line);
    return;
  }
  tail_.emplace_back(line);
  if (tail_.size() > limits::test_message_tail_lines) {
    tail_.pop_front();
    ++left_out_;
  }
}

std::string excerpt::text() const {
  // Half of the room is for the end, which has the reason.
  constexpr size_t half = limits::test_message_bytes_max / 2 - 32;
  std::string end;
  size_t shown = 0;
  for (auto line = tail_.rbegin(); line != tail_.rend(); ++line, ++shown) {
    if (end.size() + line->size() + 1 > half)
      break;
    end.insert(0, '\n' + *line);
  }
  uint64_t hidden = left_out_ + tail_.size() - shown;
  std::string out;
  size_t taken = 0;
  size_t room = tail_.empty() ? 2 * half : half;
  for (; taken < head_.size() && out.size() + head_[taken].size() + 1 <= room; ++taken)
    out += (taken > 0 ? "\n" : "") + head_[taken];
  if (taken == 0 && !head_.empty()) {
    out = clean_text(head_[0], room);
    taken = 1;
  }
  hidden += head_.size() - taken;
  if (hidden > 0)
    out += "\n[" + std::to_string(hidden) + (hidden == 1 ? " line" : " lines") + " left out]";
  out += end;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ' || out.back() == '\t'))
    out.pop_back();
  return clean_text(out, limits::test_message_bytes_max);
}

} // namespace drover::core::dialects
