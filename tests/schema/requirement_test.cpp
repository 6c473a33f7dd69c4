// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/requirement.hpp"
#include "tests/catch.hpp"

#include <functional>
#include <random>

using namespace drover;
using phrases = std::vector<std::string>;

namespace {

requirement parsed(std::string_view text) {
  auto result = requirement::parse(text);
  auto* error = std::get_if<requirement_error>(&result);
  INFO(text << ": " << (error != nullptr ? error->message : ""));
  REQUIRE(error == nullptr);
  return std::get<requirement>(result);
}

phrases unmet(std::string_view text, const string_map& traits) {
  return parsed(text).unmet(traits);
}

std::string error_of(std::string_view text) {
  auto result = requirement::parse(text);
  auto* error = std::get_if<requirement_error>(&result);
  return error == nullptr ? "none" : std::to_string(error->position) + ": " + error->message;
}

const string_map h1{{"os", "linux"},    {"ram", "17179869184"}, {"class", "fast"}, {"cores", "8"},
                    {"kernel", "6.10"}, {"scratch", "100GiB"},  {"gpu", "yes"}};

} // namespace

TEST_CASE("requirement: an empty one is met by any host") {
  CHECK(requirement{}.unmet({}).empty());
  CHECK(unmet("", {}).empty());
  CHECK(unmet("  \n", {}).empty());
  CHECK(parsed("").names().empty());
}

TEST_CASE("requirement: what the example of the header asks") {
  auto text = "os == 'linux' and ram >= 1GiB and not (class == 'slow')";
  CHECK(unmet(text, h1).empty());
  CHECK(parsed(text).names() == phrases{"os", "ram", "class"});
  CHECK(unmet(text, {{"os", "linux"}, {"ram", "536870912"}})
        == phrases{"ram is 512MiB, needs >= 1GiB"});
  CHECK(unmet(text, {{"os", "openbsd"}, {"ram", "536870912"}, {"class", "slow"}})
        == phrases{"os is 'openbsd', needs 'linux'", "ram is 512MiB, needs >= 1GiB",
                   "class is 'slow', must not be"});
}

TEST_CASE("requirement: numbers and sizes compare as numbers") {
  CHECK(
    unmet("cores > 7 and cores >= 8 and cores <= 8 and cores < 9 and cores == 8.0", h1).empty());
  CHECK(unmet("ram == 16GiB and ram < 1TiB and ram > 16777215KiB", h1).empty());
  CHECK(unmet("scratch >= 50GiB", h1).empty());
  CHECK(unmet("cores >= 10", h1) == phrases{"cores is 8, needs >= 10"});
  CHECK(unmet("cores == 4", h1) == phrases{"cores is 8, needs == 4"});
  CHECK(unmet("os >= 4", h1) == phrases{"os is 'linux', needs >= 4"});
  CHECK(unmet("ram >= 1GiB", {{"ram", "1073741823"}})
        == phrases{"ram is 1023.9MiB, needs >= 1GiB"});
  CHECK(unmet("ram <= 1GiB", {{"ram", "1073741825"}})
        == phrases{"ram is 1073741825 bytes, needs <= 1GiB"});
}

TEST_CASE("requirement: versions compare in natural order") {
  CHECK(unmet("kernel >= '6.9'", h1).empty());
  CHECK(unmet("kernel < '6.9'", h1) == phrases{"kernel is '6.10', needs < '6.9'"});
  CHECK(unmet("kernel == '6.010'", h1) == phrases{"kernel is '6.10', needs '6.010'"});
}

TEST_CASE("requirement: a bare name asks for a label or a fact") {
  CHECK(unmet("gpu", h1).empty());
  CHECK(unmet("class", {}) == phrases{"has no label 'class'"});
  CHECK(unmet("ram >= 1GiB", {}) == phrases{"has no fact 'ram'"});
  CHECK(unmet("not gpu", h1) == phrases{"has label 'gpu', must not"});
}

TEST_CASE("requirement: lists") {
  CHECK(unmet("os in ('freebsd', 'linux')", h1).empty());
  CHECK(unmet("cores in (4, 8)", h1).empty());
  CHECK(unmet("os in ('freebsd', 'netbsd', 'openbsd')", h1)
        == phrases{"os is 'linux', needs 'freebsd', 'netbsd' or 'openbsd'"});
  CHECK(unmet("not os in ('linux')", h1) == phrases{"os is 'linux', must not be"});
}

TEST_CASE("requirement: of alternatives the nearest miss is told") {
  CHECK(unmet("os == 'bsd' and cores > 100 or class == 'slow'", h1)
        == phrases{"class is 'fast', needs 'slow'"});
  CHECK(unmet("os == 'bsd' or os == 'linux'", h1).empty());
  CHECK(unmet("(a or b) and c", {{"b", ""}}) == phrases{"has no label 'c'"});
}

TEST_CASE("requirement: not turns and into or, and or into and") {
  CHECK(unmet("not (os == 'linux' or gpu)", h1)
        == phrases{"os is 'linux', must not be", "has label 'gpu', must not"});
  CHECK(unmet("not (os == 'linux' and gpu)", h1) == phrases{"os is 'linux', must not be"});
  CHECK(unmet("not not (class == 'slow')", h1) == phrases{"class is 'fast', needs 'slow'"});
  CHECK(unmet("not (ram >= 1GiB)", h1) == phrases{"ram is 16GiB, must not be >= 1GiB"});
  CHECK(unmet("not (class != 'slow')", h1) == phrases{"class is 'fast', needs 'slow'"});
}

TEST_CASE("requirement: unequal is the opposite of equal, also of what is missing") {
  CHECK(unmet("class != 'slow'", {}).empty());
  CHECK(unmet("not (class == 'slow')", {}).empty());
  CHECK(unmet("class != 'fast'", h1) == phrases{"class is 'fast', must not be"});
}

TEST_CASE("requirement: and binds stronger than or") {
  CHECK(unmet("gpu or nothing and never", h1).empty());
  CHECK_FALSE(unmet("(gpu or nothing) and never", h1).empty());
}

TEST_CASE("requirement: a mistake is told with its place") {
  CHECK(error_of("os = 'linux'") == "3: write == to compare");
  CHECK(error_of("os == linux") == "6: put quotes around text: 'linux'");
  CHECK(error_of("os == 'linux") == "6: this quote is never closed");
  CHECK(error_of("ram >= 1GB")
        == "7: '1GB' is no number and no size; write e.g. 4, 512MiB or 1.5GiB");
  CHECK(error_of("ram >=") == "6: the text ends where a value was expected");
  CHECK(error_of("a && b") == "2: write 'and' instead of '&&'");
  CHECK(error_of("a || b") == "2: write 'or' instead of '||'");
  CHECK(error_of("!a") == "0: write 'not' instead of '!'");
  CHECK(error_of("(a or b") == "0: '(' is never closed");
  CHECK(error_of("a)") == "1: ')' without '('");
  CHECK(error_of("a b") == "2: expected 'and', 'or' or the end, not 'b'");
  CHECK(error_of("a and") == "5: the text ends where a condition was expected");
  CHECK(error_of("1GiB <= ram")
        == "0: a comparison begins with the name of a fact or label, as in ram >= 1GiB");
  CHECK(error_of("os in 'linux'") == "6: expected a list, as in os in ('a', 'b')");
  CHECK(error_of("os in ('a' 'b')") == "11: expected ',' or ')' in the list");
  CHECK(error_of("and") == "0: expected a condition, as in os == 'linux', not 'and'");
}

TEST_CASE("requirement: nesting and length are bounded") {
  auto nested = [](size_t levels) {
    return std::string(levels, '(') + "a" + std::string(levels, ')');
  };
  CHECK(error_of(nested(limits::requirement_depth_max)) == "none");
  CHECK(error_of(nested(limits::requirement_depth_max + 1)) == "65: nested deeper than 64 levels");
  std::string negations;
  for (int i = 0; i < 100; ++i)
    negations += "not ";
  CHECK(error_of(negations + "a").find("nested deeper than 64 levels") != std::string::npos);
  CHECK(error_of(std::string(limits::value_bytes_max + 1, 'a'))
        == "0: has 4097 bytes, at most 4096 are allowed");
}

TEST_CASE("requirement: a label hides a fact of the same name") {
  CHECK(traits_of({{"os", "linux"}, {"ram", "1"}}, {{"os", "mine"}})
        == string_map{{"os", "mine"}, {"ram", "1"}});
}

TEST_CASE("requirement: phrases come exactly when the plain meaning says no") {
  // Random expressions over two labels, checked against a direct evaluation of what was written.
  std::mt19937_64 random{7};
  struct made {
    std::string text;
    bool value;
  };
  const string_map traits{{"t", "1"}};
  std::function<made(int)> make = [&](int depth) -> made {
    switch (depth == 0 ? random() % 4 : 4 + random() % 3) {
    case 0:
      return {"t", true};
    case 1:
      return {"f", false};
    case 2:
      return {"t == 1", true};
    case 3:
      return {"t in ('2', '3')", false};
    case 4: {
      auto inner = make(depth - 1);
      return {"not (" + inner.text + ")", !inner.value};
    }
    case 5: {
      auto left = make(depth - 1), right = make(depth - 1);
      return {"(" + left.text + ") and (" + right.text + ")", left.value && right.value};
    }
    default: {
      auto left = make(depth - 1), right = make(depth - 1);
      return {"(" + left.text + " or " + right.text + ")", left.value || right.value};
    }
    }
  };
  for (int round = 0; round < 2000; ++round) {
    auto one = make(static_cast<int>(random() % 5));
    INFO(one.text);
    REQUIRE(unmet(one.text, traits).empty() == one.value);
  }
}
