// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tests/catch.hpp"

#include <random>

using namespace drover;

TEST_CASE("names: letters, digits, dot, underscore and minus make a name") {
  for (auto good : {"a", "_", "9", "h1", "release-candidate", "a.b_c-D", "x86_64"})
    CHECK(valid_name(good));
  CHECK(valid_name(std::string(limits::name_bytes_max, 'a')));
}

TEST_CASE("names: what could be a path, an option or a second line is refused") {
  for (auto bad : {"", ".", "..", "-x", "a/b", "../a", "a\nb", "a b", "\xC3\xA4", "a\x1B[1m"})
    CHECK_FALSE(valid_name(bad));
  CHECK_FALSE(valid_name(std::string(limits::name_bytes_max + 1, 'a')));
  CHECK_FALSE(valid_name(std::string_view{"a\0b", 3}));
}

TEST_CASE("names: a problem says what is wrong with which thing") {
  CHECK(name_problem("builder", "") == "builder name is empty");
  CHECK(name_problem("host", "..") == "host name '..' must begin with a letter, a digit or '_'");
  CHECK(name_problem("step", "a b")
        == "step name 'a b' has ' ', use letters, digits, '.', '_' and '-'");
  CHECK(name_problem("step", "a\nb")
        == "step name 'a\\x0Ab' has '\\x0A', use letters, digits, '.', '_' and '-'");
  CHECK(name_problem("host", std::string(64, 'a'))->find("has 64 bytes, at most 63")
        != std::string::npos);
  CHECK_FALSE(name_problem("host", "h1"));
}

TEST_CASE("names: results and states are written as the contract has them") {
  CHECK(to_string(result::host_lost) == "host_lost");
  CHECK(to_string(result::success) == "success");
  CHECK(to_string(build_state::waiting) == "waiting");
  CHECK(to_string(step_state::pending) == "pending");
  CHECK(to_string(attempt_state::granted) == "granted");
  CHECK(to_string(host_state::quarantined) == "quarantined");
  CHECK(to_string(source_kind::tarball) == "tarball");
  CHECK(to_string(static_cast<result>(200)) == "unknown");
}

TEST_CASE("names: ids are read as they are written") {
  CHECK(to_string(build_id{12}) == "12");
  CHECK(to_string(campaign_id{3}) == "c3");
  CHECK(to_string(attempt_id{{12}, {0}, {1}}) == "12/0/1");
  CHECK(parse_build_id("12") == build_id{12});
  CHECK(parse_build_id("18446744073709551615") == build_id{UINT64_MAX});
  CHECK(parse_campaign_id("c3") == campaign_id{3});
  CHECK(parse_campaign_id("3") == campaign_id{3});
}

TEST_CASE("names: ids have one spelling") {
  for (auto bad : {"", "0", "012", "+1", "-1", " 1", "1 ", "1x", "c1", "18446744073709551616"})
    CHECK_FALSE(parse_build_id(bad));
  for (auto bad : {"", "c", "cc1", "c0", "C1", "c-1"})
    CHECK_FALSE(parse_campaign_id(bad));
}

TEST_CASE("names: times are RFC 3339 in UTC with milliseconds") {
  CHECK(to_string(wall_time{0}).empty());
  CHECK(to_string(wall_time{1}) == "1970-01-01T00:00:00.001Z");
  CHECK(to_string(wall_time{1769860800000}) == "2026-01-31T12:00:00.000Z");
  CHECK(to_string(wall_time{-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(to_string(wall_time{951782399999}) == "2000-02-28T23:59:59.999Z");
  CHECK(to_string(wall_time{INT64_MAX}).back() == 'Z');
}

TEST_CASE("printable: text stays as it is") {
  CHECK(printable("plain, with 'quotes' and \xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x91", 100)
        == "plain, with 'quotes' and \xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x91");
  CHECK(printable("", 10).empty());
}

TEST_CASE("printable: controls, escapes and bidi marks lose their effect") {
  CHECK(printable("a\nb\r\t", 100) == "a\\x0Ab\\x0D\\x09");
  CHECK(printable("\x1B[31m\x7F", 100) == "\\x1B[31m\\x7F");
  CHECK(printable(std::string_view{"\0", 1}, 100) == "\\x00");
  CHECK(printable("\xC2\x85", 100) == "\\xC2\\x85");          // C1: next line
  CHECK(printable("\xE2\x80\xAE", 100) == "\\xE2\\x80\\xAE"); // right-to-left override
  CHECK(printable("\xE2\x81\xA6", 100) == "\\xE2\\x81\\xA6"); // isolate
  CHECK(printable("\xE2\x80\x8F", 100) == "\\xE2\\x80\\x8F"); // right-to-left mark
  CHECK(printable("\xE2\x80\xA8", 100) == "\\xE2\\x80\\xA8"); // line separator
}

TEST_CASE("printable: bytes that are no UTF-8 become replacement characters") {
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(printable("a\xFFz", 100) == "a" + mark + "z");
  CHECK(printable("\xC0\xAF", 100) == mark + mark);            // overlong '/'
  CHECK(printable("\xED\xA0\x80", 100) == mark + mark + mark); // surrogate
  CHECK(printable("\xF4\x90\x80\x80", 100) == mark + mark + mark + mark);
  CHECK(printable("\xE2\x82", 100) == mark + mark); // cut off
}

TEST_CASE("printable: a cut comes between characters and says so") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abc...");
  CHECK(printable("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 6) == "\xC3\xA4...");
  CHECK(printable("abc\ndef", 8) == "abc...");
  CHECK(printable("abcdef", 2) == "..");
  CHECK(printable("abcdef", 0).empty());
}

TEST_CASE("printable: any bytes give a bounded line that printing does not change again") {
  std::mt19937_64 random{20260131};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    auto bound = random() % 80;
    auto line = printable(bytes, bound);
    REQUIRE(line.size() <= bound);
    REQUIRE(printable(line, line.size()) == line);
    for (char c : line)
      REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  }
}
