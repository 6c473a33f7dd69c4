// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/message.hpp"
#include "schema/limits_irc.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core::irc;

namespace {

using words = std::vector<std::string>;

message read(std::string_view line) {
  auto out = parse(line);
  REQUIRE(out);
  return *out;
}

} // namespace

TEST_CASE("irc line: source, command and parameters are told apart") {
  auto line = read(":ann!a@host privmsg #builds :drover: why 12");
  CHECK(line.source == "ann!a@host");
  CHECK(line.command == "PRIVMSG");
  CHECK(line.params == words{"#builds", "drover: why 12"});
  CHECK(nick_of(line.source) == "ann");
  CHECK(user_host_of(line.source) == "a@host");
  CHECK(user_host_of("irc.example.org").empty());
  CHECK(read("PING  abc").params == words{"abc"});
  CHECK(read("PING :").params == words{""});
  CHECK(read("PING").params.empty());
}

TEST_CASE("irc line: tags are read with their escapes") {
  auto line = read("@account=ann;note=a\\sb\\:c\\\\d\\r\\n;bot;x= :n!u@h PRIVMSG #c :hi");
  CHECK(line.tags.at("account") == "ann");
  CHECK(line.tags.at("note") == "a b;c\\d\r\n");
  CHECK(line.tags.count("bot") == 1);
  CHECK(line.tags.at("x").empty());
  CHECK(line.command == "PRIVMSG");
}

TEST_CASE("irc line: the fifteenth parameter takes the rest") {
  auto line = read("X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
  REQUIRE(line.params.size() == limits::irc_params_max);
  CHECK(line.last() == "15 16 17");
}

TEST_CASE("irc line: what is no line is refused") {
  for (const auto* bad : {"", ":", "@", ":a", "@t", "12", "1234", "PRIV-MSG x", ":a  :b"})
    CHECK_FALSE(parse(bad));
  CHECK_FALSE(parse(std::string_view{"PING a\0b", 8}));
  CHECK_FALSE(parse("PING a\rQUIT"));
  CHECK_FALSE(parse(std::string(600, 'A')));
  CHECK_FALSE(parse("@" + std::string(9000, 'a') + " PING x"));
}

TEST_CASE("irc line: no text can end a line or become another parameter") {
  CHECK(format("PRIVMSG", {"#c", "a\r\nQUIT :x"}) == "PRIVMSG #c :aQUIT :x");
  CHECK(format("PRIVMSG", {"#c d\r\n", ":x"}) == "PRIVMSG #cd ::x");
  CHECK(format("NICK", {"drover"}) == "NICK drover");
  CHECK(format("TOPIC", {"#c", ""}) == "TOPIC #c :");
  auto longest = format("PRIVMSG", {"#c", std::string(700, 'x')});
  CHECK(longest.size() == limits::irc_line_bytes_max - 2);
  std::string umlauts;
  while (umlauts.size() < 700)
    umlauts += "\u00E4";
  auto cut = format("PRIVMSG", {"#cc", umlauts});
  CHECK(plain_text(cut) == cut); // no half character
}

TEST_CASE("irc names: compared as servers do") {
  CHECK(same_name("Ann[x]\\^", "aNN{x}|~"));
  CHECK_FALSE(same_name("ann", "anne"));
  CHECK(is_channel("#builds"));
  CHECK_FALSE(is_channel("ann"));
  CHECK_FALSE(is_channel(""));
}

TEST_CASE("irc text: colours, styles, line ends and what turns text are taken out") {
  CHECK(plain_text("\x03"
                   "04,12red\x0F \x02"
                   "bold\x1F\x16\x1D")
        == "red bold");
  CHECK(plain_text("\x03"
                   "123")
        == "3");
  CHECK(plain_text("\x03,5") == ",5");
  CHECK(plain_text("\x04"
                   "ff0000,00ff00x")
        == "x");
  CHECK(plain_text("a\r\nQUIT\tb") == "a  QUIT b");
  CHECK(plain_text("a\u2028b\u2029c\u0085d") == "a b c d");
  CHECK(plain_text("\u202Eevil\u202C\u2066x\u200B") == "evilx");
  CHECK(plain_text("\x01"
                   "ACTION x\x01")
        == "ACTION x");
  CHECK(plain_text("gr\u00FCn \u2713 \U0001F600") == "gr\u00FCn \u2713 \U0001F600");
  CHECK(plain_text("\xFF\xC3(\xE2\x82") == "\uFFFD\uFFFD(\uFFFD\uFFFD");
  CHECK(plain_text("\xC0\xAE\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("irc text: long texts are cut between words, never within a character") {
  CHECK(split_text("", 10).empty());
  CHECK(split_text("   ", 10).empty());
  CHECK(split_text("one two three four", 10) == words{"one two", "three four"});
  CHECK(split_text("abcdefghijklmno", 10) == words{"abcdefghij", "klmno"});
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "\u20AC"; // three bytes
  size_t bytes = 0;
  for (const auto& part : split_text(text, limits::irc_text_bytes_max)) {
    CHECK(part.size() <= limits::irc_text_bytes_max);
    CHECK(plain_text(part) == part);
    bytes += part.size();
  }
  CHECK(bytes == text.size());
}

TEST_CASE("irc text: lines that are too many are counted") {
  CHECK(as_lines("a\n\nb\r\nc", 4) == words{"a", "b", "c"});
  CHECK(as_lines("a\nb\nc\nd\ne", 3) == words{"a", "b", "... and 3 more lines"});
  CHECK(as_lines("", 3).empty());
}

TEST_CASE("irc socket: lines are whole whatever the pieces") {
  line_splitter splitter;
  CHECK(splitter.take("PING a\r").empty());
  CHECK(splitter.take("\nPING b\n\r\n\nPI") == words{"PING a", "PING b"});
  CHECK(splitter.take("NG c\r\n") == words{"PING c"});
}

TEST_CASE("irc socket: the rest of a line that is too long is no line") {
  line_splitter splitter;
  CHECK(splitter.take(std::string(20000, 'x')).empty());
  CHECK(splitter.take("y PRIVMSG\r\nPING a\r\n") == words{"PING a"});
}
