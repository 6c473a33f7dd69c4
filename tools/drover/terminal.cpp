// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/terminal.hpp"

#include "schema/limits_cli.hpp"
#include "tools/drover/answers.hpp"
#include "tools/drover/table.hpp"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace drover::cli {

namespace {

constexpr std::string_view hide_cursor = "\x1b[?25l", show_cursor = "\x1b[?25h";
constexpr std::string_view end_colours = "\x1b[0m", erase_right = "\x1b[K", erase_below = "\x1b[J";
/// Terminals that are narrower are taken for this wide: a table must have some room.
constexpr size_t width_least = 40;
/// Text that is wrapped into less than this is no longer easier to read.
constexpr size_t wrapped_least = 20;

/// Runs in a signal handler: only what is safe there.
void restore_and_end(int) {
  auto ignored = ::write(STDOUT_FILENO, show_cursor.data(), show_cursor.size());
  static_cast<void>(ignored);
  ::_exit(130);
}

void on_end(void (*handler)(int)) {
  struct sigaction how {};
  how.sa_handler = handler;
  for (auto number : {SIGINT, SIGTERM, SIGHUP})
    ::sigaction(number, &how, nullptr);
}

size_t environment_number(const char* name) {
  auto* text = std::getenv(name);
  size_t out = 0;
  if (text)
    std::from_chars(text, text + std::strlen(text), out);
  return out;
}

/// Bytes of the colour sequence at the start of `text`; 0: there is none.
size_t colour_bytes(std::string_view text) {
  if (text.substr(0, 2) != "\x1b[")
    return 0;
  auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

/// Bytes of the UTF-8 character at the start of `text`.
size_t character_bytes(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return length;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

} // namespace

screen real_screen(colour_use colours) {
  screen out;
  out.terminal = ::isatty(STDOUT_FILENO) == 1;
  auto set = [](const char* name) {
    auto* value = std::getenv(name);
    return value && *value;
  };
  auto* term = std::getenv("TERM");
  bool dumb = !term || std::string_view{term} == "dumb";
  out.colours = colours == colour_use::always
                || (colours == colour_use::automatic && out.terminal && !set("NO_COLOR") && !dumb);
  if (!out.terminal)
    return out;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    out.width = size.ws_col;
    out.height = size.ws_row;
  }
  if (out.width == 0)
    out.width = environment_number("COLUMNS");
  if (out.width != 0)
    out.width = std::max(out.width, width_least);
  return out;
}

bool put_out(std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()
         && std::fflush(stdout) == 0;
}

std::string cut_to_width(std::string_view text, size_t width) {
  if (width == 0)
    return std::string{text};
  std::string out;
  size_t used = 0;
  size_t whole = 0; // bytes of `out` that leave room for the ellipsis
  bool coloured = false;
  while (!text.empty()) {
    if (auto length = colour_bytes(text)) {
      coloured = text.substr(0, length) != end_colours;
      out += text.substr(0, length);
      if (used < width)
        whole = out.size();
      text.remove_prefix(length);
      continue;
    }
    auto piece = text.substr(0, character_bytes(text));
    auto columns = display_width(piece);
    if (used + columns > width)
      return out.substr(0, whole) + "…" + (coloured ? std::string{end_colours} : "");
    used += columns;
    out += piece;
    if (used < width)
      whole = out.size();
    text.remove_prefix(piece.size());
  }
  return out;
}

std::vector<std::string> wrap(std::string_view text, size_t width) {
  std::vector<std::string> out{""};
  if (width == 0)
    return {std::string{text}};
  size_t used = 0;
  while (!text.empty()) {
    auto blank = std::min(text.find(' '), text.size());
    auto word = text.substr(0, blank);
    auto columns = display_width(word);
    if (used > 0 && used + 1 + columns > width) {
      out.emplace_back();
      used = 0;
    }
    if (!out.back().empty()) {
      out.back() += ' ';
      ++used;
    }
    out.back() += word;
    used += columns;
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return out;
}

std::string hang(std::string_view head, std::string_view text, size_t width) {
  auto indent = display_width(head);
  bool fits = width == 0 || width >= indent + wrapped_least;
  std::string out{head};
  bool first = true;
  for (const auto& line : wrap(text, width == 0 || !fits ? 0 : width - indent)) {
    if (!std::exchange(first, false))
      out += std::string(indent, ' ');
    out += line + "\n";
  }
  return out;
}

std::string repaint(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::string out;
  if (!before.empty())
    out += "\x1b[" + std::to_string(before.size()) + "A\r";
  size_t same = 0; // lines to go down before the next one is written
  auto go_down = [&] {
    if (same > 0)
      out += "\x1b[" + std::to_string(same) + "B\r";
    same = 0;
  };
  for (size_t i = 0; i < after.size(); ++i) {
    if (i < before.size() && before[i] == after[i]) {
      ++same;
      continue;
    }
    go_down();
    out += after[i] + std::string{erase_right} + "\n";
  }
  go_down();
  if (before.size() > after.size())
    out += erase_below;
  return out;
}

painter::painter() {
  on_end(restore_and_end);
  put_out(hide_cursor);
}

painter::~painter() {
  put_out(show_cursor);
  on_end(SIG_DFL);
}

bool painter::show(std::string_view text, const screen& out) {
  auto lines = lines_of(text);
  // One line stays free for the cursor: a full screen would scroll at each repaint.
  if (out.height > 2 && lines.size() > out.height - 1) {
    auto more = lines.size() - (out.height - 2);
    lines.resize(out.height - 2);
    lines.push_back("… " + std::to_string(more) + " more lines");
  }
  for (auto& line : lines)
    line = cut_to_width(line, out.width);
  auto bytes = repaint(shown_, lines);
  shown_ = std::move(lines);
  return put_out(bytes);
}

progress::progress(progress_use use)
    : on_{use == progress_use::wanted && ::isatty(STDERR_FILENO) == 1} {}

progress::~progress() {
  clear();
}

void progress::show(const std::string& text) {
  auto now = std::chrono::steady_clock::now();
  if (!on_ || (drawn_ && now - shown_at_ < limits::progress_interval))
    return;
  winsize size{};
  bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  auto line = cut_to_width(text, known ? size.ws_col - 1u : 0);
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
  shown_at_ = now;
}

void progress::clear() {
  if (!drawn_)
    return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

std::string transfer_text(const std::string& what, uint64_t done, uint64_t all) {
  auto text = what + "  " + size_text(done);
  if (all == 0)
    return text;
  return text + " of " + size_text(all) + ", " + std::to_string(done * 100 / all) + " %";
}

} // namespace drover::cli
