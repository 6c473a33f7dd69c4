// SPDX-License-Identifier: Apache-2.0
#include "config/forms.hpp"
#include "config/values.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace std::chrono_literals;

TEST_CASE("durations: a whole number and a unit") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("1d") == 24h);
  for (auto bad : {"", "10", "s", "10x", "-1s", "1.5h", "1h30m", " 1s", "1 s", "1S",
                   "9223372036854775807d", "99999999999999999999s"})
    CHECK_FALSE(parse_duration(bad));
}

TEST_CASE("sizes: bytes, or powers of 1024") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("4096") == 4096u);
  CHECK(parse_size("64KiB") == 65536u);
  CHECK(parse_size("64MiB") == 67108864u);
  CHECK(parse_size("1GiB") == 1073741824u);
  CHECK(parse_size("2TiB") == 2199023255552u);
  for (auto bad : {"", "GiB", "1GB", "1G", "-1", "1.5GiB", "1 GiB", "9223372036854775807KiB"})
    CHECK_FALSE(parse_size(bad));
}

TEST_CASE("yes and no: six spellings") {
  for (auto yes : {"true", "yes", "on"})
    CHECK(parse_yes_no(yes) == true);
  for (auto no : {"false", "no", "off"})
    CHECK(parse_yes_no(no) == false);
  for (auto bad : {"", "y", "1", "TRUE"})
    CHECK_FALSE(parse_yes_no(bad));
}

TEST_CASE("edit distance: changed, added, missing and swapped letters count one each") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("stpes", "steps") == 1);
  CHECK(edit_distance("step", "steps") == 1);
  CHECK(edit_distance("staps", "steps") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("nearest: only a word that was probably meant") {
  CHECK(nearest("stpes", {"source", "steps"}) == "steps");
  CHECK(nearest("strep", {"source", "steps"}) == std::nullopt);
  CHECK(nearest("banana", {"source", "steps"}) == std::nullopt);
  CHECK(nearest("x", {"on"}) == std::nullopt);
  CHECK(nearest(std::string(1000, 'a'), {std::string_view{"a"}}) == std::nullopt);
}

TEST_CASE("addresses: a scheme of the list, a host, perhaps a port") {
  for (auto good : {"smtp://127.0.0.1:2525", "smtp://mail", "smtps://[::1]:25", "smtp://[::1]"})
    CHECK(address_ok(good, {"smtp", "smtps"}));
  for (auto bad : {"", "smtp", "smtp://", "smtp://:25", "http://a", "smtp://a:0", "smtp://a:70000",
                   "smtp://a:x", "smtp://a b", "smtp://a\n", "smtp://[]:1", "smtp://[::1"})
    CHECK_FALSE(address_ok(bad, {"smtp", "smtps"}));
  CHECK(address_ok("http://127.0.0.1:9000/hook?a=b:c", {"http"}));
}

TEST_CASE("addresses: mail addresses, channels and nick names can't smuggle commands") {
  CHECK(mail_address_ok("dev@example.org"));
  for (auto bad : {"dev", "@x", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a@b,c@d"})
    CHECK_FALSE(mail_address_ok(bad));
  CHECK(channel_ok("#builds"));
  for (auto bad : {"", "#", "builds", "#a,#b", "#a b", "#a\r\nQUIT"})
    CHECK_FALSE(channel_ok(bad));
  CHECK(nick_ok("drover"));
  for (auto bad : {"", "-x", "a b", "#a", "a\r\nQUIT"})
    CHECK_FALSE(nick_ok(bad));
}

TEST_CASE("globs: lie below the workspace") {
  for (auto good : {"out/**", "*.log", "a..b", "..a/b", "a/...", "."})
    CHECK(glob_problem(good).empty());
  for (auto bad : {"", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a\nb"})
    CHECK_FALSE(glob_problem(bad).empty());
}
