// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

using namespace drover;

namespace {

yaml::node tree_of(std::string_view text) {
  auto document = yaml::parse(text);
  for (const auto& error : document.errors)
    UNSCOPED_INFO(format(error, "t"));
  REQUIRE(document.errors.empty());
  REQUIRE(document.root);
  return *document.root;
}

/// All errors, one a line.
std::string errors_of(std::string_view text) {
  std::string all;
  for (const auto& error : yaml::parse(text).errors)
    all += (all.empty() ? "" : "\n") + format(error, "t");
  return all;
}

} // namespace

TEST_CASE("yaml: scalars stay text") {
  auto root = tree_of("a: no\nb: 1.10\nc: '1'\nd: 0x1F\ne: 2026-01-31\n");
  REQUIRE(root.entries.size() == 5);
  CHECK(root.entries[0].value.text == "no");
  CHECK(root.entries[1].value.text == "1.10");
  CHECK_FALSE(root.entries[1].value.quoted);
  CHECK(root.entries[2].value.text == "1");
  CHECK(root.entries[2].value.quoted);
  CHECK(root.entries[3].value.text == "0x1F");
  CHECK(root.entries[4].value.text == "2026-01-31");
}

TEST_CASE("yaml: every key and value knows its place") {
  auto root = tree_of("a: x\nbb:\n  - y\n  - {c: \"z\"}\n\xC3\xA4: 1\n");
  CHECK(root.entries[0].key.at.line == 1);
  CHECK(root.entries[0].value.at.column == 4);
  CHECK(root.entries[1].value.items[0].at.line == 3);
  CHECK(root.entries[1].value.items[0].at.column == 5);
  const auto& z = root.entries[1].value.items[1].entries[0].value;
  CHECK(z.at.column == 9);
  CHECK(z.text_column == 10);
  CHECK(root.entries[2].value.at.column == 4); // characters, not bytes
}

TEST_CASE("yaml: a text that stands otherwise in the file has no column of its own") {
  auto root = tree_of("a: \"x\\ty\"\nb: 'it''s'\nc: |\n  text\nd: 'one\n  two'\n");
  for (const auto& entry : root.entries)
    CHECK_FALSE(entry.value.text_column);
  CHECK(root.entries[0].value.text == "x\ty");
  CHECK(root.entries[2].value.text == "text\n");
}

TEST_CASE("yaml: carriage returns and a byte order mark make no difference") {
  auto root = tree_of("\xEF\xBB\xBF"
                      "a: x\r\nb: y\r\n");
  CHECK(root.entries[0].key.text == "a");
  CHECK(root.entries[0].key.at.column == 1);
  CHECK(root.entries[1].value.text == "y");
  CHECK(root.entries[1].key.at.line == 2);
}

TEST_CASE("yaml: aliases are copies") {
  auto root = tree_of("a: &x {b: 1}\nc: *x\n");
  CHECK(root.entries[1].value.entries[0].value.text == "1");
  CHECK(errors_of("a: *x\n") == "t:1:4: alias '*x' has no finished anchor '&x' before it");
  CHECK(errors_of("a: &x [*x]\n") == "t:1:8: alias '*x' has no finished anchor '&x' before it");
}

TEST_CASE("yaml: duplicate keys are told all at once and leave the first") {
  auto document = yaml::parse("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n");
  REQUIRE(document.root);
  CHECK(document.root->entries.size() == 3);
  CHECK(document.root->entries[0].value.text == "1");
  CHECK(errors_of("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n")
        == "t:3:1: key 'a' is there twice, first in line 1\n"
           "t:4:11: key 'd' is there twice, first in line 4");
}

TEST_CASE("yaml: an empty file, or one of comments, is said to be empty") {
  auto said = "t:1:1: the file is empty; write e.g. builders: {hello: {steps: [{name: greet, run: "
              "\"echo hello\"}]}}";
  CHECK(errors_of("") == said);
  CHECK(errors_of("# nothing\n\n") == said);
}

TEST_CASE("yaml: a tab is reported where it stands") {
  CHECK(errors_of("a:\n\tb: 1\n") == "t:2:1: a tab can't indent or separate here; use blanks");
  CHECK(errors_of("a:\n  b: 1\n\tc: 2\n")
        == "t:3:1: a tab can't indent or separate here; use blanks");
}

TEST_CASE("yaml: an unterminated quote is reported where it opens") {
  CHECK(errors_of("a: 1\nb: \"x\nc: 2\n") == "t:2:4: this quote is never closed");
  CHECK(errors_of("a: 'x\n") == "t:1:4: this quote is never closed");
  CHECK(errors_of("a: 1\nb: \"x\nc: \"y\"\n")
        == "t:2:4: this quote is closed only in line 3; is one missing?");
  CHECK(errors_of("s:\n  - {n: a, r: \"x}\n  - {n: b, r: \"y\"}\n")
        == "t:2:15: this quote is closed only in line 3; is one missing?");
}

TEST_CASE("yaml: an unclosed bracket names the place where it opened") {
  CHECK(errors_of("a: [1, 2\nb: 3\n").find("the bracket opened at 1:4") != std::string::npos);
  CHECK(errors_of("a: {b: 1\n").find("the bracket opened at 1:4") != std::string::npos);
}

TEST_CASE("yaml: what has no use here is refused") {
  CHECK(errors_of("a: 1\n---\nb: 2\n") == "t:2:1: a second document begins here; a file holds one");
  CHECK(errors_of("a: !!str 1\n")
        == "t:1:4: tags such as 'tag:yaml.org,2002:str' have no meaning here");
  CHECK(errors_of("[a]: 1\n") == "t:1:1: a key must be plain text, as in 'key: value'");
  CHECK(errors_of("? {a: b}\n: 1\n") == "t:1:3: a key must be plain text, as in 'key: value'");
}

TEST_CASE("yaml: bytes that are no text are reported at their place") {
  CHECK(errors_of("a: 1\nb: \xFF\n")
        == "t:2:4: byte 0xFF is not text; the file must be UTF-8 without control characters");
  CHECK(errors_of(std::string_view{"a: \0b", 5})
        == "t:1:4: byte 0x00 is not text; the file must be UTF-8 without control characters");
  CHECK(errors_of("\x7F"
                  "ELF\x02\x01")
          .rfind("t:1:1: byte 0x7F is not text", 0)
        == 0);
}

TEST_CASE("yaml: nesting is bounded") {
  auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(errors_of(nested(limits::yaml_depth_max)).empty());
  CHECK(errors_of(nested(limits::yaml_depth_max + 1)) == "t:1:33: nested deeper than 32 levels");
  CHECK(errors_of(std::string(1'000'000, '[')) == "t:1:33: nested deeper than 32 levels");
  // Aliases can't go around it.
  std::string chain = "- &a0 [x]\n";
  for (int i = 1; i < 40; ++i)
    chain += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  CHECK(errors_of(chain) == "t:31:9: nested deeper than 32 levels");
}

TEST_CASE("yaml: an alias bomb runs out of its budget") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    std::string before{static_cast<char>(c - 1)};
    bomb += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 10; ++i)
      bomb += (i > 0 ? ",*" : "*") + before;
    bomb += "]\n";
  }
  CHECK(errors_of(bomb) == "t:5:26: more than 100000 values, aliases expanded");
}

TEST_CASE("yaml: one long text can't be multiplied either") {
  std::string text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 20; ++i)
    text += "*a, ";
  CHECK(errors_of(text + "]\n") == "t:2:29: more than 4194304 bytes, aliases expanded");
}

TEST_CASE("yaml: a file that is too large is not read at all") {
  CHECK(errors_of(std::string(2 * limits::config_bytes_max, ' '))
        == "t:1:1: the file is larger than 1048576 bytes");
}
