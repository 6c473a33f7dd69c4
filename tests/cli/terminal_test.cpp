// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/answers.hpp"
#include "tools/drover/table.hpp"
#include "tools/drover/terminal.hpp"

#include <nlohmann/json.hpp>

#include <random>

using namespace drover::cli;

namespace {

using lines = std::vector<std::string>;

/// A terminal as far as `repaint` needs one: rows, a cursor at the start of a row.
class fake_terminal {
public:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.substr(0, 2) == "\x1b[") {
        size_t end = 2, number = 0;
        while (bytes[end] >= '0' && bytes[end] <= '9')
          number = number * 10 + static_cast<size_t>(bytes[end++] - '0');
        obey(bytes[end], number);
        bytes.remove_prefix(end + 1);
      } else {
        write(bytes[0]);
        bytes.remove_prefix(1);
      }
    }
  }
  /// What stands above the cursor.
  lines above() const { return {rows_.begin(), rows_.begin() + static_cast<long>(row_)}; }
  lines below() const { return {rows_.begin() + static_cast<long>(row_), rows_.end()}; }

private:
  void obey(char what, size_t number) {
    if (what == 'A')
      row_ -= number;
    else if (what == 'B')
      row_ += number;
    else if (what == 'K')
      rows_[row_].resize(column_);
    else if (what == 'J')
      rows_.resize(row_);
    else
      FAIL("an unknown sequence");
    reserve();
  }
  void write(char c) {
    if (c == '\r') {
      column_ = 0;
    } else if (c == '\n') {
      ++row_;
      column_ = 0;
    } else {
      auto& row = rows_[row_];
      row.resize(std::max(row.size(), column_ + 1), ' ');
      row[column_++] = c;
    }
    reserve();
  }
  void reserve() { rows_.resize(std::max(rows_.size(), row_ + 1)); }
  lines rows_{""};
  size_t row_ = 0, column_ = 0;
};

} // namespace

TEST_CASE(
  "terminal: a text is cut to its columns, whatever letters it has, and colours are ended") {
  CHECK(cut_to_width("abcdef", 6) == "abcdef");
  CHECK(cut_to_width("abcdefg", 6) == "abcde…");
  CHECK(cut_to_width("日本語", 5) == "日本…");
  CHECK(cut_to_width("日本語", 4) == "日…");
  CHECK(cut_to_width("abcdefg", 0) == "abcdefg");
  CHECK(cut_to_width("\x1b[31mabcdefg\x1b[0m", 3) == "\x1b[31mab…\x1b[0m");
  CHECK(cut_to_width("\x1b[31mabc\x1b[0m", 3) == "\x1b[31mabc\x1b[0m");
}

TEST_CASE("terminal: no cut is wider than asked and none breaks a letter or an escape") {
  const lines pieces{"a", "é", "日", "e\u0301", "\x1b[32m", "\x1b[0m", " ", "😀"};
  std::mt19937_64 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto count = random() % 30; count > 0; --count)
      text += pieces[random() % pieces.size()];
    auto width = 1 + random() % 20;
    auto cut = cut_to_width(text, width);
    std::string bare;
    for (size_t at = 0; at < cut.size(); ++at) {
      if (cut[at] == '\x1b') {
        auto end = cut.find('m', at);
        REQUIRE(end != std::string::npos);
        at = end;
      } else {
        bare += cut[at];
      }
    }
    REQUIRE(display_width(bare) <= width);
    REQUIRE(drover::cli::cut_to_width(cut, width) == cut);
  }
}

TEST_CASE("terminal: long sentences are wrapped at blanks, a long word stays whole") {
  CHECK(wrap("one two three", 7) == lines{"one two", "three"});
  CHECK(wrap("unbreakable word", 5) == lines{"unbreakable", "word"});
  CHECK(wrap("as it is", 0) == lines{"as it is"});
  CHECK(hang("reason  ", "no host has enough room", 30)
        == "reason  no host has enough\n        room\n");
  CHECK(hang("  ", "", 30) == "  \n");
}

TEST_CASE("terminal: a table fits the width, its widest columns are cut first") {
  table rows{{"ID", "REASON", "HOST"}};
  rows.add({"1", std::string(200, 'x'), "h1"});
  rows.add({"1234567", "日本語日本語日本語日本語日本語日本語日本語", "a-host-with-a-name"});
  for (size_t width : {40, 60, 80}) {
    auto text = rows.text(false, width);
    INFO(text);
    for (size_t from = 0; from < text.size();) {
      auto end = text.find('\n', from);
      CHECK(display_width(std::string_view{text}.substr(from, end - from)) <= width);
      from = end + 1;
    }
    CHECK(text.find("1234567") != std::string::npos);
  }
  CHECK(rows.text(false).find(std::string(200, 'x')) != std::string::npos);
}

TEST_CASE("terminal: repainting shows the new lines, and writes nothing for those that stay") {
  fake_terminal shown;
  std::mt19937_64 random{11};
  const lines words{"", "a", "bb", "a longer line", "one more"};
  lines before;
  for (int round = 0; round < 3000; ++round) {
    lines after;
    for (auto count = random() % 6; count > 0; --count)
      after.push_back(words[random() % words.size()]);
    shown.take(repaint(before, after));
    REQUIRE(shown.above() == after);
    for (const auto& line : shown.below())
      REQUIRE(line.empty());
    before = after;
  }
  auto bytes = repaint({"same", "old", "same"}, {"same", "new", "same"});
  CHECK(bytes.find("same") == std::string::npos);
  CHECK(bytes.find("new") != std::string::npos);
}

TEST_CASE("answers: times are what people say, and sizes too") {
  CHECK(duration_text(-5) == "0 ms");
  CHECK(duration_text(350) == "350 ms");
  CHECK(duration_text(3250) == "3.2 s");
  CHECK(duration_text(243'000) == "4 min 3 s");
  CHECK(duration_text(7'500'000) == "2 h 5 min");
  CHECK(duration_text(273'600'000) == "3 d 4 h");
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(1536) == "1.5 KiB");
  CHECK(size_text(42ull << 30) == "42.0 GiB");
  json build{{"started_at", "2026-01-31T12:00:00.000Z"},
             {"finished_at", "2026-01-31T12:00:03.250Z"}};
  CHECK(time_between(build, "started_at", "finished_at") == "3.2 s");
  CHECK(short_time("2026-01-31T12:00:00.000Z") == "2026-01-31 12:00:00");
}

TEST_CASE("answers: ages are for terminals; elsewhere a time stays what it is") {
  json build{{"created_at", "2026-01-31T12:00:00.000Z"},
             {"state", "running"},
             {"started_at", "2026-01-31T12:00:00.000Z"}};
  screen plain, terminal;
  terminal.terminal = true;
  CHECK(when_text(build, "created_at", plain) == "2026-01-31 12:00:00");
  CHECK(when_text(build, "created_at", terminal).find(" ago") != std::string::npos);
  CHECK(when_text(build, "finished_at", terminal) == "-");
  CHECK(took_text(build, plain).empty());
  CHECK(took_text(build, terminal).find("so far") != std::string::npos);
}

TEST_CASE("answers: fields of the wrong kind are as if they were not there") {
  json odd{{"steps", 3}, {"source", "text"}, {"n", "x"}, {"empty", nullptr}};
  CHECK(field_list(odd, "steps").empty());
  CHECK(field_object(odd, "source").empty());
  CHECK(field_number(odd, "n", 7) == 7);
  CHECK(field_text(odd, "empty", "-") == "-");
  CHECK(field_text(json::array(), "x", "-") == "-");
}
