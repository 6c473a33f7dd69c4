// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/log_lines.hpp"

#include "schema/limits_web.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <charconv>

namespace drover::pages {

namespace {

/// The longest colour sequence that is believed.
constexpr size_t sequence_bytes_max = 32;

/// What a terminal would remember of colours; only what has a class of its own in the style sheet.
struct look {
  int fore = -1; ///< 0 to 15
  int back = -1;
  bool bold = false, dim = false, italic = false, underline = false;

  std::string classes() const {
    std::string out;
    auto add = [&out](const std::string& name) { out += (out.empty() ? "" : " ") + name; };
    if (fore >= 0)
      add("f" + std::to_string(fore));
    if (back >= 0)
      add("b" + std::to_string(back));
    if (bold)
      add("bold");
    if (dim)
      add("dim");
    if (italic)
      add("italic");
    if (underline)
      add("underline");
    return out;
  }
};

std::vector<int> numbers_of(std::string_view text) {
  std::vector<int> out;
  while (true) {
    auto end = std::min(text.find_first_of(";:"), text.size());
    int value = 0;
    std::from_chars(text.data(), text.data() + end, value); // nothing there means 0
    out.push_back(value);
    if (end == text.size())
      return out;
    text.remove_prefix(end + 1);
  }
}

/// 38;5;N and 38;2;R;G;B: the sixteen named colours are kept, finer ones have no class.
size_t extended_colour(const std::vector<int>& numbers, size_t at, int& colour) {
  if (at + 1 >= numbers.size())
    return numbers.size();
  if (numbers[at + 1] == 5) {
    if (at + 2 < numbers.size())
      colour = numbers[at + 2] >= 0 && numbers[at + 2] < 16 ? numbers[at + 2] : -1;
    return at + 3;
  }
  colour = -1;
  return at + 5;
}

void obey(look& now, const std::vector<int>& numbers) {
  for (size_t i = 0; i < numbers.size();) {
    auto n = numbers[i];
    if (n == 38 || n == 48) {
      i = extended_colour(numbers, i, n == 38 ? now.fore : now.back);
      continue;
    }
    ++i;
    if (n == 0)
      now = {};
    else if (n == 1)
      now.bold = true;
    else if (n == 2)
      now.dim = true;
    else if (n == 3)
      now.italic = true;
    else if (n == 4)
      now.underline = true;
    else if (n == 22)
      now.bold = now.dim = false;
    else if (n == 23)
      now.italic = false;
    else if (n == 24)
      now.underline = false;
    else if (n >= 30 && n <= 37)
      now.fore = n - 30;
    else if (n == 39)
      now.fore = -1;
    else if (n >= 40 && n <= 47)
      now.back = n - 40;
    else if (n == 49)
      now.back = -1;
    else if (n >= 90 && n <= 97)
      now.fore = n - 90 + 8;
    else if (n >= 100 && n <= 107)
      now.back = n - 100 + 8;
  }
}

/// Length of the colour sequence at the start of `text`; 0: there is none.
size_t colour_sequence(std::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[')
    return 0;
  auto most = std::min(text.size(), sequence_bytes_max);
  for (size_t i = 2; i < most; ++i) {
    if (text[i] == 'm')
      return i + 1;
    if ((text[i] < '0' || text[i] > '9') && text[i] != ';' && text[i] != ':')
      return 0;
  }
  return 0;
}

/// Tabs become spaces up to the next eighth column: `printable` would show them as escapes.
std::string without_tabs(std::string_view text, size_t& column) {
  std::string out;
  for (char c : text) {
    if (c == '\t') {
      auto wide = 8 - column % 8;
      out.append(wide, ' ');
      column += wide;
      continue;
    }
    out += c;
    column += (static_cast<unsigned char>(c) & 0xC0) == 0x80 ? 0 : 1;
  }
  return out;
}

void write_run(html& out, std::string_view run, const look& now, size_t& column) {
  if (run.empty())
    return;
  auto words = without_tabs(run, column);
  auto classes = now.classes();
  if (classes.empty())
    out.text(words);
  else
    out.element("span", {{"class", classes}}, words);
}

/// A line without its newline.
void write_line(html& out, std::string_view line, look& now) {
  size_t column = 0;
  // A progress bar rewrites its line: what stood there at the end is what a terminal shows.
  while (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  if (auto last = line.rfind('\r'); last != std::string_view::npos) {
    out.element("span", {{"class", "rewritten"}, {"title", "written over by what follows"}},
                line.substr(0, last));
    out.text(" ");
    line.remove_prefix(last + 1);
  }
  while (!line.empty()) {
    auto at = line.find('\x1b');
    write_run(out, line.substr(0, at), now, column);
    if (at == std::string_view::npos)
      return;
    line.remove_prefix(at);
    auto length = colour_sequence(line);
    if (length == 0) {
      write_run(out, line.substr(0, 1), now, column); // shown as \x1B
      line.remove_prefix(1);
      continue;
    }
    obey(now, numbers_of(line.substr(2, length - 3)));
    line.remove_prefix(length);
  }
}

/// Bytes of the next line and of what ends it; 0: its end has not come yet.
std::pair<size_t, size_t> next_line(std::string_view bytes, bool is_end) {
  auto at = bytes.find('\n');
  if (std::min(at, bytes.size()) > limits::page_log_line_bytes_max) {
    auto cut = limits::page_log_line_bytes_max;
    while (cut > 1 && (static_cast<unsigned char>(bytes[cut]) & 0xC0) == 0x80)
      --cut; // not within a character
    return {cut, cut};
  }
  if (at != std::string_view::npos)
    return {at, at + 1};
  return is_end ? std::pair{bytes.size(), bytes.size()} : std::pair{size_t{0}, size_t{0}};
}

} // namespace

written_lines write_lines(html& out, const log_piece& piece) {
  written_lines done{piece.offset, piece.line};
  auto rest = piece.bytes;
  look now;
  for (size_t rows = 0; !rest.empty() && rows < limits::page_log_rows; ++rows) {
    auto [text, all] = next_line(rest, piece.is_end);
    if (all == 0)
      break;
    auto id = "o" + std::to_string(done.next);
    auto number = done.line ? std::to_string(*done.line) : "+" + std::to_string(done.next);
    auto row = out.in("div", {{"class", "l"}, {"id", id}});
    out.element("a",
                {{"class", "n"},
                 {"href", "#" + id},
                 {"data-n", number},
                 {"aria-label", (done.line ? "line " : "byte ") + number}},
                "");
    {
      auto words = out.in("span", {{"class", "t"}});
      write_line(out, rest.substr(0, text), now);
    }
    rest.remove_prefix(all);
    done.next += all;
    if (done.line && (all > text || text == 0))
      ++*done.line;
  }
  return done;
}

size_t to_next_line(std::string_view bytes) {
  auto at = bytes.find('\n');
  return at == std::string_view::npos ? bytes.size() : at + 1;
}

size_t to_last_lines(std::string_view bytes, size_t most) {
  size_t rows = 0;
  auto at = bytes.size();
  while (at > 0) {
    auto before = at == 1 ? std::string_view::npos : bytes.rfind('\n', at - 2);
    auto start = before == std::string_view::npos ? 0 : before + 1;
    // A line that is broken into rows counts as all of them.
    rows += 1 + (at - start) / limits::page_log_line_bytes_max;
    if (rows > most)
      return at;
    at = start;
  }
  return 0;
}

} // namespace drover::pages
