// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_socket.hpp"
#include "tests/catch.hpp"

using namespace drover;

TEST_CASE("irc address: names, numbers and ports are told apart") {
  auto of = [](std::string_view url) {
    auto found = parse_irc_address(url);
    REQUIRE(found);
    return *found;
  };
  CHECK(of("irc://irc.example.org") == irc_address{"irc.example.org", "6667", false});
  CHECK(of("ircs://irc.example.org") == irc_address{"irc.example.org", "6697", true});
  CHECK(of("ircs://10.0.0.1:7000/x") == irc_address{"10.0.0.1", "7000", true});
  CHECK(of("irc://[::1]:6668") == irc_address{"::1", "6668", false});
  CHECK(of("irc://[::1]") == irc_address{"::1", "6667", false});
  CHECK(to_string(of("irc://[::1]:6668")) == "[::1]:6668");
  CHECK(to_string(of("ircs://irc.example.org")) == "irc.example.org:6697");
}

TEST_CASE("irc address: what is none says so in one line") {
  for (const auto* bad : {"", "irc://", "http://x", "irc://x:", "irc://x:y", "irc://:6667",
                          "irc://[::1", "irc://x:123456", "ircs://x:-1"}) {
    auto found = parse_irc_address(bad);
    REQUIRE_FALSE(found);
    CHECK(found.error().text.find("write e.g. ircs://") != std::string::npos);
  }
}
