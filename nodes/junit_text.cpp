// SPDX-License-Identifier: Apache-2.0
#include "nodes/junit_text.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace drover {

namespace {

/// A declaration with its encoding is shorter.
constexpr size_t declaration_bytes_max = 256;
constexpr std::string_view replacement = "\xef\xbf\xbd";

/// What the character at the beginning of `text` is: its length if XML allows it, 0 if it must be
/// replaced, -1 if more bytes are needed to tell.
int character_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    bool is_allowed = byte(0) >= 0x20 || byte(0) == '\t' || byte(0) == '\n' || byte(0) == '\r';
    return is_allowed ? 1 : 0;
  }
  size_t length = byte(0) >= 0xc2 && byte(0) < 0xe0   ? 2
                  : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                  : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                      : 0;
  if (length == 0)
    return 0;
  uint32_t code = byte(0) & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size())
      return -1;
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool is_allowed = code >= least[length] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
                    && code != 0xfffe && code != 0xffff;
  return is_allowed ? static_cast<int>(length) : 0;
}

bool names_other_encoding(std::string_view declaration) {
  auto at = declaration.find("encoding");
  if (at == std::string_view::npos)
    return false;
  auto quote = declaration.find_first_of("'\"", at);
  if (quote == std::string_view::npos)
    return false;
  auto end = declaration.find(declaration[quote], quote + 1);
  if (end == std::string_view::npos)
    return false;
  std::string name{declaration.substr(quote + 1, end - quote - 1)};
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name != "utf-8" && name != "utf8";
}

} // namespace

bool xml_repair::is_decided(bool at_end) {
  if (decided_)
    return true;
  auto end = held_.find("?>");
  bool has_declaration = held_.starts_with("<?xml");
  bool may_have_one = std::string_view{"<?xml"}.starts_with(held_.substr(0, 5));
  bool is_open = (has_declaration || may_have_one) && end == std::string::npos;
  if (!at_end && is_open && held_.size() < declaration_bytes_max)
    return false;
  decided_ = true;
  bool is_utf16 = held_.starts_with("\xfe\xff") || held_.starts_with("\xff\xfe");
  is_foreign_ = is_utf16
                || (has_declaration && end != std::string::npos
                    && names_other_encoding(std::string_view{held_}.substr(0, end)));
  return true;
}

std::string xml_repair::repair(bool at_end) {
  if (!is_decided(at_end))
    return {};
  if (is_foreign_)
    return std::exchange(held_, {});
  std::string out;
  out.reserve(held_.size());
  std::string_view text = held_;
  while (!text.empty()) {
    int length = character_length(text);
    if (length < 0 && !at_end)
      break;
    if (length <= 0) {
      ++replaced_;
      out += replacement;
      text.remove_prefix(1);
    } else {
      out += text.substr(0, static_cast<size_t>(length));
      text.remove_prefix(static_cast<size_t>(length));
    }
  }
  held_ = std::string{text};
  return out;
}

std::string xml_repair::feed(std::string_view bytes) {
  held_ += bytes;
  return repair(false);
}

std::string xml_repair::finish() {
  return repair(true);
}

} // namespace drover
