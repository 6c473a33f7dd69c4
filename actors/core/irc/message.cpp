// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/message.hpp"

#include "schema/limits_irc.hpp"

#include <algorithm>
#include <array>

namespace drover::core::irc {

namespace {

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

/// Takes the text up to the next blank, and the blanks behind it.
std::string_view take_word(std::string_view& rest) {
  auto end = std::min(rest.find(' '), rest.size());
  auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' ', end), rest.size()));
  return word;
}

std::string unescaped(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\') {
      out += value[i];
      continue;
    }
    if (++i == value.size())
      break;
    switch (value[i]) {
    case ':':
      out += ';';
      break;
    case 's':
      out += ' ';
      break;
    case 'r':
      out += '\r';
      break;
    case 'n':
      out += '\n';
      break;
    default:
      out += value[i];
    }
  }
  return out;
}

std::map<std::string, std::string> parse_tags(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find(';'), text.size());
    auto tag = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto equals = std::min(tag.find('='), tag.size());
    auto name = tag.substr(0, equals);
    if (!name.empty())
      out[std::string{name}] = unescaped(tag.substr(std::min(equals + 1, tag.size())));
  }
  return out;
}

bool is_command(std::string_view word) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (word.size() == 3 && std::all_of(word.begin(), word.end(), digit))
    return true;
  return !word.empty() && std::all_of(word.begin(), word.end(), letter);
}

/// Bytes of the whole and well-formed character at the beginning of `text`; 0: there is none.
size_t character_bytes(std::string_view text) {
  auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  size_t bytes = lead < 0x80                    ? 1
                 : lead >= 0xC2 && lead <= 0xDF ? 2
                 : lead >= 0xE0 && lead <= 0xEF ? 3
                 : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                : 0;
  if (bytes == 0 || text.size() < bytes)
    return 0;
  for (size_t i = 1; i < bytes; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  bool no_character = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || no_character ? 0 : bytes;
}

/// Line ends of Unicode, C1 controls, and what turns the direction of text or hides it.
bool is_hidden(std::string_view character) {
  if (character.size() == 2)
    return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  static constexpr std::array<std::string_view, 15> hidden{
    "\u200B", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B", "\u202C",
    "\u202D", "\u202E", "\u2066", "\u2067", "\u2068", "\u2069", "\uFEFF"};
  return std::find(hidden.begin(), hidden.end(), character) != hidden.end();
}

/// Behind the code for colour come up to two numbers of two digits, or six hex digits each.
size_t colour_bytes(std::string_view text) {
  auto digits = [&text](size_t from, size_t most, auto fits) {
    size_t count = 0;
    while (count < most && from + count < text.size() && fits(text[from + count]))
      ++count;
    return count;
  };
  auto decimal = [](char c) { return c >= '0' && c <= '9'; };
  auto hex = [decimal](char c) {
    return decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  bool is_hex = text[0] == '\x04';
  auto number = [&](size_t from) {
    return is_hex ? digits(from, 6, hex) : digits(from, 2, decimal);
  };
  auto first = number(1);
  size_t size = 1 + first;
  if (first > 0 && size < text.size() && text[size] == ',')
    if (auto second = number(size + 1); second > 0)
      size += 1 + second;
  return size;
}

} // namespace

std::string_view message::param(size_t index) const {
  return index < params.size() ? std::string_view{params[index]} : std::string_view{};
}

std::string_view message::last() const {
  return params.empty() ? std::string_view{} : std::string_view{params.back()};
}

std::optional<message> parse(std::string_view line) {
  message out;
  if (!line.empty() && line.front() == '@') {
    line.remove_prefix(1);
    auto tags = take_word(line);
    if (tags.size() > limits::irc_tags_bytes_max)
      return std::nullopt;
    out.tags = parse_tags(tags);
  }
  if (line.size() > limits::irc_line_bytes_max)
    return std::nullopt;
  if (line.find_first_of(std::string_view{"\0\r\n", 3}) != std::string_view::npos)
    return std::nullopt;
  if (!line.empty() && line.front() == ':') {
    line.remove_prefix(1);
    out.source = take_word(line);
  }
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  auto command = take_word(line);
  if (!is_command(command))
    return std::nullopt;
  for (char c : command)
    out.command += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  while (!line.empty()) {
    if (line.front() == ':' || out.params.size() + 1 == limits::irc_params_max) {
      line.remove_prefix(line.front() == ':' ? 1 : 0);
      out.params.emplace_back(line);
      break;
    }
    out.params.emplace_back(take_word(line));
  }
  return out;
}

std::string format(std::string_view command, const std::vector<std::string>& params) {
  std::string out{command};
  auto add = [&out](std::string_view text, bool blanks) {
    for (char c : text)
      if (c != '\r' && c != '\n' && c != '\0' && (blanks || c != ' '))
        out += c;
  };
  for (size_t i = 0; i < params.size(); ++i) {
    bool is_last = i + 1 == params.size();
    const auto& param = params[i];
    bool trailing =
      is_last && (param.empty() || param.front() == ':' || param.find(' ') != std::string::npos);
    out += trailing ? " :" : " ";
    auto colons = trailing ? 0 : std::min(param.find_first_not_of(':'), param.size());
    add(std::string_view{param}.substr(colons), trailing);
  }
  auto most = limits::irc_line_bytes_max - 2;
  if (out.size() > most) {
    // A character is not cut: what continues one is 10xxxxxx.
    while (most > 0 && (static_cast<unsigned char>(out[most]) & 0xC0) == 0x80)
      --most;
    out.resize(most);
  }
  return out;
}

std::string_view nick_of(std::string_view source) {
  return source.substr(0, source.find_first_of("!@"));
}

std::string_view user_host_of(std::string_view source) {
  auto mark = source.find('!');
  return mark == std::string_view::npos ? std::string_view{} : source.substr(mark + 1);
}

std::string folded(std::string_view name) {
  std::string out{name};
  for (char& c : out)
    if (c >= 'A' && c <= '^') // A-Z, then [ \ ] and ^, whose small ones are { | } and ~
      c = static_cast<char>(c + 32);
  return out;
}

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && folded(left) == folded(right);
}

bool is_channel(std::string_view target) {
  return !target.empty() && std::string_view{"#&+!"}.find(target.front()) != std::string::npos;
}

std::string plain_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto bytes = character_bytes(text);
    if (bytes == 0) {
      out += "\uFFFD";
      text.remove_prefix(1);
      continue;
    }
    auto character = text.substr(0, bytes);
    if (bytes == 1 && (text[0] == '\x03' || text[0] == '\x04'))
      bytes = colour_bytes(text);
    else if (bytes == 1 && std::string_view{"\t\r\n\v\f"}.find(text[0]) != std::string::npos)
      out += ' ';
    else if (character == "\u2028" || character == "\u2029" || character == "\u0085")
      out += ' ';
    else if (!(bytes == 1 && is_control(text[0])) && !is_hidden(character))
      out += character;
    text.remove_prefix(bytes);
  }
  return out;
}

std::vector<std::string> split_text(std::string_view text, size_t bytes_max) {
  std::vector<std::string> out;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (text.size() <= bytes_max) {
      if (!text.empty())
        out.emplace_back(text);
      break;
    }
    auto end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
      --end;
    if (end == 0) // not UTF-8: the bytes are cut where they are
      end = bytes_max;
    // A blank in the second half is a better place.
    if (auto blank = text.rfind(' ', end); blank != std::string_view::npos && blank > end / 2)
      end = blank;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::vector<std::string> as_lines(std::string_view text, size_t lines_max) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    for (auto& part : split_text(plain_text(text.substr(0, end)), limits::irc_text_bytes_max))
      out.push_back(std::move(part));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (out.size() > lines_max && lines_max > 0) {
    auto more = out.size() - lines_max + 1;
    out.resize(lines_max - 1);
    out.push_back("... and " + std::to_string(more) + " more lines");
  }
  return out;
}

std::vector<std::string> line_splitter::take(std::string_view piece) {
  std::vector<std::string> out;
  auto most = limits::irc_tags_bytes_max + limits::irc_line_bytes_max;
  while (!piece.empty()) {
    auto end = piece.find('\n');
    auto part = piece.substr(0, end);
    if (!too_long_ && rest_.size() + part.size() > most)
      too_long_ = true;
    if (!too_long_)
      rest_ += part;
    if (end == std::string_view::npos)
      break;
    if (!rest_.empty() && rest_.back() == '\r')
      rest_.pop_back();
    if (!too_long_ && !rest_.empty())
      out.push_back(std::move(rest_));
    rest_.clear();
    too_long_ = false;
    piece.remove_prefix(end + 1);
  }
  return out;
}

} // namespace drover::core::irc
