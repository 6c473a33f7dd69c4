// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/log_lines.hpp"
#include "schema/limits_web.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::pages;

namespace {

std::string lines_of(std::string_view bytes, bool is_end = true) {
  html out;
  write_lines(out, {bytes, 0, 1, is_end});
  return out.finish();
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

} // namespace

TEST_CASE("log lines: each has its offset as its name and its number beside it") {
  auto page = lines_of("one\ntwo\n\nfour");
  CHECK(count(page, "<div class=\"l\"") == 4);
  CHECK(page.find("id=\"o4\"><a class=\"n\" href=\"#o4\" data-n=\"2\" aria-label=\"line 2\"")
        != std::string::npos);
  CHECK(page.find("id=\"o9\"") != std::string::npos);
}

TEST_CASE("log lines: a line without its end waits for it") {
  html out;
  auto done = write_lines(out, {"one\ntw", 100, std::nullopt, false});
  CHECK(done.next == 104);
  CHECK_FALSE(done.line);
  CHECK(count(out.finish(), "class=\"l\"") == 1);
}

TEST_CASE("log lines: pieces make the same lines, however the log is cut") {
  std::string log;
  for (int i = 0; i < 40; ++i)
    log += "line " + std::to_string(i) + (i % 3 ? " \xC3\xA9\n" : "\n");
  auto whole = lines_of(log);
  for (size_t size = 64; size < 200; size += 7) {
    std::string joined;
    uint64_t at = 0;
    std::optional<uint64_t> line = 1;
    while (at < log.size()) {
      html out;
      auto bytes = std::string_view{log}.substr(at, size);
      auto done = write_lines(out, {bytes, at, line, at + bytes.size() == log.size()});
      REQUIRE(done.next > at);
      at = done.next;
      line = done.line;
      joined += out.finish();
    }
    CHECK(joined == whole);
  }
}

TEST_CASE("log lines: colours become classes, all else that steers a terminal is shown") {
  auto page = lines_of("\x1b[1;31mred\x1b[0m plain \x1b[38;5;12mblue\x1b[m \x1b[38;2;1;2;3mfine\n");
  CHECK(page.find("<span class=\"f1 bold\">red</span> plain <span class=\"f12\">blue</span>")
        != std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
  for (const std::string hostile :
       {"\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://evil/\x07", "\x1b[?1049h", "\x1bP+q\x1b\\",
        "\x1b[31", "\x1b[3<1m", "\xE2\x80\xAE",
        "\x9b"
        "31m"}) {
    auto shown = lines_of("a" + hostile + "b\n");
    CHECK(shown.find('\x1b') == std::string::npos);
    CHECK(shown.find("\xE2\x80\xAE") == std::string::npos);
    CHECK(shown.find("class=\"f") == std::string::npos);
    CHECK(shown.find("<a href=\"http") == std::string::npos);
  }
}

TEST_CASE("log lines: a page has no more rows than a browser can lay out") {
  std::string empty(limits::page_log_bytes, '\n');
  html out;
  auto done = write_lines(out, {empty, 0, 1, true});
  CHECK(done.next == limits::page_log_rows);
  CHECK(done.line == limits::page_log_rows + 1);
  CHECK(count(out.finish(), "class=\"l\"") == limits::page_log_rows);
  CHECK(to_last_lines(empty, limits::page_log_rows) == empty.size() - limits::page_log_rows);
  CHECK(to_last_lines("one\ntwo\n", 1) == 4);
  CHECK(to_last_lines("", 1) == 0);
}

TEST_CASE("log lines: markup in a log is text") {
  auto page = lines_of("<script>alert(1)</script> & \"quotes\"\n");
  CHECK(page.find("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;")
        != std::string::npos);
}

TEST_CASE("log lines: an endless line is broken, within no character") {
  std::string line(limits::page_log_line_bytes_max - 1, 'x');
  line += "\xC3\xA9" + std::string(100, 'y');
  html out;
  auto done = write_lines(out, {line, 0, 1, false});
  CHECK(done.next == limits::page_log_line_bytes_max - 1);
  CHECK(done.line == 1u);
  auto page = out.finish();
  CHECK(page.find("\\x") == std::string::npos);
}

TEST_CASE("log lines: what was written over is shown as such, and tabs keep their columns") {
  auto page = lines_of("10%\r20%\r\nab\tc\n");
  CHECK(page.find("<span class=\"rewritten\"") != std::string::npos);
  CHECK(page.find("ab      c") != std::string::npos);
}
