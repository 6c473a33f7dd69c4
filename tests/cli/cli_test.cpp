// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/actor_tree.hpp"
#include "tools/drover/address.hpp"
#include "tools/drover/log_text.hpp"
#include "tools/drover/source_choice.hpp"
#include "tools/drover/table.hpp"

#include <map>
#include <random>
#include <set>

using namespace drover;
using namespace drover::cli;

namespace {

surroundings around_of(std::map<std::string, std::string> environment,
                       std::map<std::string, std::string> files = {}) {
  surroundings out;
  out.environment = [environment](const char* name) -> std::optional<std::string> {
    auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional{found->second};
  };
  out.first_line = [files](const std::string& path) -> std::optional<std::string> {
    auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional{found->second};
  };
  out.is_folder = [](const std::string& path) { return path == "farm"; };
  return out;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("address: the flag goes before the environment, that before the profile") {
  auto around = around_of({{"HOME", "/home/a"}, {"DROVER_FARM", "/env.sock"}},
                          {{"/home/a/.config/drover/farm", "/profile.sock"}});
  CHECK(find_farm("/flag.sock", around)->socket == "/flag.sock");
  CHECK(find_farm("", around)->socket == "/env.sock");
  around = around_of({{"HOME", "/home/a"}}, {{"/home/a/.config/drover/farm", "/profile.sock"}});
  CHECK(find_farm("", around)->socket == "/profile.sock");
  auto none = find_farm("", around_of({{"HOME", "/home/a"}}));
  REQUIRE_FALSE(none);
  CHECK(none.error().text.find("DROVER_FARM") != std::string::npos);
}

TEST_CASE("address: where nothing else is said, the farm that is a service of this machine") {
  auto around = around_of({{"HOME", "/home/a"}});
  around.is_folder = [](const std::string& path) { return path == "/run/drover"; };
  CHECK(find_farm("", around)->socket == "/run/drover/drover.sock");
  CHECK(find_farm("/flag.sock", around)->socket == "/flag.sock");
}

TEST_CASE("address: a folder means its socket, a port needs a token, all else is refused") {
  auto around = around_of({{"HOME", "/h"}});
  CHECK(parse_address("farm", around)->socket == "farm/drover.sock");
  CHECK(parse_address("http://127.0.0.1:8787/", around)->port == 8787);
  for (auto wrong : {"", "http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:99999",
                     "http://127.0.0.1:80x", "http://example.org:80", "https://", "https://a@b",
                     "https://a:b", "https://a:", "https://a/x y", "ftp://x"}) {
    INFO(wrong);
    CHECK_FALSE(parse_address(wrong, around));
  }
  CHECK_FALSE(find_farm("http://127.0.0.1:8787", around));
  auto with_token = around_of({{"HOME", "/h"}}, {{"/h/.config/drover/token", "secret"}});
  CHECK(find_farm("http://127.0.0.1:8787", with_token)->token == "secret");
}

TEST_CASE("address: https has a host, a port if it is not 443, a path in front, and a token") {
  auto around = around_of({{"HOME", "/h"}, {"DROVER_TOKEN_FILE", "/t"}},
                          {{"/t", "from-file"}, {"/h/.config/drover/token", "from-profile"}});
  auto plain = find_farm("https://ci.example.org", around);
  REQUIRE(plain);
  CHECK((plain->tls && plain->host == "ci.example.org" && plain->port == 443));
  CHECK(plain->token == "from-file");
  CHECK(plain->ca.empty());
  auto long_one = parse_address("https://[::1]:8443/drover/", around);
  REQUIRE(long_one);
  CHECK((long_one->host == "::1" && long_one->port == 8443 && long_one->prefix == "/drover"));
  CHECK_FALSE(find_farm("https://ci.example.org", around_of({{"HOME", "/h"}})));
  auto split = around_of({{"HOME", "/h"}, {"DROVER_TOKEN", "a\nHost: b"}});
  CHECK_FALSE(find_farm("https://ci.example.org", split));
  auto own = around_of({{"HOME", "/h"}, {"DROVER_TOKEN", "t"}},
                       {{"/h/.config/drover/ca.pem", "-----BEGIN"}});
  CHECK(find_farm("https://ci.example.org", own)->ca == "/h/.config/drover/ca.pem");
}

TEST_CASE("table: columns line up whatever letters are in them") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("\xff") == 1);
  table rows{{"A", "B"}};
  rows.add({"日本", "x"});
  rows.add({"abc", "y"});
  CHECK(rows.text(false) == "A     B\n日本  x\nabc   y\n");
}

TEST_CASE("table: hostile cells stay in their line, and no line ends in spaces") {
  table rows{{"A", "B", "C"}};
  rows.add({"a\nb\x1b[2J", "", ""});
  auto text = rows.text(true);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("\x1b[2J") == std::string::npos);
  CHECK(rows.text(false).find(" \n") == std::string::npos);
}

TEST_CASE("table: colours only where they are wanted") {
  table rows{{"A"}};
  rows.add({cell{"success", colour_of("success")}});
  CHECK(rows.text(false).find('\x1b') == std::string::npos);
  CHECK(rows.text(true).find("\x1b[32msuccess\x1b[0m") != std::string::npos);
}

TEST_CASE("log text: colours may stay, all that moves the cursor is shown instead") {
  log_text coloured{sgr::keep};
  CHECK(coloured.take("\x1b[31mred\x1b[0m\tx\n") == "\x1b[31mred\x1b[0m\tx\n");
  CHECK(coloured.take("\x1b[2Jx\x07\n") == "\\x1B[2Jx\\x07\n");
  CHECK(coloured.finish() == "\x1b[0m");
  log_text plain{sgr::drop};
  CHECK(plain.take("\x1b[31mred\x1b[0m\n") == "red\n");
  CHECK(plain.take("a\r\nb\rc\n") == "a\nb\nc\n");
  CHECK(plain.finish().empty());
}

TEST_CASE("log text: the same comes out however the bytes are cut") {
  const std::string bytes =
    "plain \x1b[1;31mred\x1b[m \xE6\x97\xA5 \xff\xE6 a\rb\r\n\x1b]0;t\x07 \x1b";
  for (auto colours : {sgr::keep, sgr::drop}) {
    log_text whole{colours};
    auto expected_text = whole.take(bytes);
    expected_text += whole.finish();
    std::mt19937_64 random{3};
    for (int round = 0; round < 500; ++round) {
      log_text cut{colours};
      std::string text;
      for (size_t at = 0; at < bytes.size();) {
        auto size = 1 + random() % 5;
        text += cut.take(std::string_view{bytes}.substr(at, size));
        at += size;
      }
      text += cut.finish();
      REQUIRE(text == expected_text);
    }
  }
}

TEST_CASE("log text: no bytes let through a control character but newline, tab and colours") {
  std::mt19937_64 random{4};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 60, ' ');
    for (auto& c : bytes)
      c = random() % 3 == 0 ? "\x1b[m3;\r\n\t"[random() % 8] : static_cast<char>(random() % 256);
    log_text text{sgr::drop};
    auto shown = text.take(bytes);
    shown += text.finish();
    for (char c : shown)
      REQUIRE((static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t'));
  }
}

TEST_CASE("sources: one file for all, others for some, and mistakes are named") {
  auto all = choose_sources({"a", "b"}, {"x.tar", "b=y.tar"});
  REQUIRE(all);
  CHECK(*all == std::map<std::string, std::string>{{"a", "x.tar"}, {"b", "y.tar"}});
  CHECK(choose_sources({"a"}, {})->empty());
  // A file's name may have an equals sign.
  CHECK(choose_sources({"a"}, {"v=1.tar"})->at("a") == "v=1.tar");
  CHECK_FALSE(choose_sources({"a"}, {"x", "y"}));
  CHECK_FALSE(choose_sources({"a"}, {"a=x", "a=y"}));
  CHECK_FALSE(choose_sources({"a"}, {"a="}));
  CHECK(choose_sources({"a"}, {"https://example.org/a.tar?x=1"})->at("a")
        == "https://example.org/a.tar?x=1");
  CHECK(parse_pairs({"A=b=c", "D="})->at("A") == "b=c");
  for (const auto& wrong : {names{"A"}, names{"=b"}, names{"A=b", "A=c"}})
    CHECK_FALSE(parse_pairs(wrong));
}

TEST_CASE("actor tree: children stand below their parents, each node once") {
  auto lines = tree_lines({{"coordinator", "root", ""},
                           {"h1", "agent", ""},
                           {"coordinator", "build 1", "root"},
                           {"coordinator", "link", "host h1"},
                           {"coordinator", "host h1", "root"}});
  std::vector<size_t> order;
  for (const auto& line : lines)
    order.push_back(line.index);
  CHECK(order == std::vector<size_t>{0, 2, 4, 3, 1});
  CHECK(lines[3].prefix.size() > lines[2].prefix.size());
}

TEST_CASE("actor tree: circles, orphans and equal names are all shown once") {
  std::mt19937_64 random{5};
  for (int round = 0; round < 500; ++round) {
    std::vector<tree_node> nodes(random() % 12);
    for (auto& node : nodes)
      node = {"n" + std::to_string(random() % 2), "a" + std::to_string(random() % 5),
              random() % 4 == 0 ? "" : "a" + std::to_string(random() % 6)};
    std::set<size_t> seen;
    auto lines = tree_lines(nodes);
    for (const auto& line : lines)
      seen.insert(line.index);
    REQUIRE(lines.size() == nodes.size());
    REQUIRE(seen.size() == nodes.size());
  }
}
