// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

using namespace drover;

namespace {

std::string example_text() {
  std::ifstream file{DROVER_EXAMPLE, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Pieces that mean something to YAML or to us, so that mutations reach past the first check.
const std::vector<std::string> pieces{"\t",
                                      "\n",
                                      "\r\n",
                                      "'",
                                      "\"",
                                      "[",
                                      "]",
                                      "{",
                                      "}",
                                      ": ",
                                      "- ",
                                      "&a ",
                                      "*a",
                                      "#",
                                      "!",
                                      "|",
                                      ">",
                                      "%",
                                      "---",
                                      "~",
                                      "\\x",
                                      "steps:",
                                      "each(",
                                      "10x",
                                      "1GiB",
                                      " and ",
                                      "(",
                                      "not ",
                                      "\xFF",
                                      "\xC3",
                                      "\x1B",
                                      std::string(1, '\0'),
                                      "\xEF\xBB\xBF",
                                      "\xE2\x80\xA8"};

std::string mutated(std::string text, std::mt19937_64& random) {
  for (auto changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes) {
    auto at = random() % text.size();
    auto length = std::min<size_t>(random() % 40, text.size() - at);
    switch (random() % 5) {
    case 0:
      text[at] = static_cast<char>(random());
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.insert(at, pieces[random() % pieces.size()]);
      break;
    case 3:
      text.insert(random() % text.size(), text.substr(at, length));
      break;
    default:
      text.resize(at);
    }
  }
  return text;
}

} // namespace

TEST_CASE("config: any text gives a config or errors that point into it") {
  const auto example = example_text();
  std::mt19937_64 random{20260131};
  size_t configs = 0;
  for (int round = 0; round < 3000; ++round) {
    auto text = mutated(example, random);
    auto report = check_config(text);
    INFO("round " << round);
    REQUIRE(report.config.has_value() == report.errors.empty());
    configs += report.config ? 1 : 0;
    auto lines = static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\xA8'; }));
    for (const auto& error : report.errors) {
      REQUIRE(error.line >= 1);
      REQUIRE(error.line <= lines + 2);
      REQUIRE(error.column >= 1);
      REQUIRE_FALSE(error.message.empty());
      REQUIRE(error.message.find('\n') == std::string::npos);
    }
    REQUIRE(
      std::is_sorted(report.errors.begin(), report.errors.end(), [](const auto& a, const auto& b) {
        return std::pair{a.line, a.column} < std::pair{b.line, b.column};
      }));
  }
  // Both ends were reached: mutations that harm and mutations that don't.
  CHECK(configs > 100);
  CHECK(configs < 2900);
}
