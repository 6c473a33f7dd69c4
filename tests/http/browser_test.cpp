// Cookies, origins, forms and the way a request came, as pure functions.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/browser.hpp"
#include "schema/limits_access.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::http;

namespace {

request with_fields(std::map<std::string, std::string> fields,
                    const std::string& address = "127.0.0.1") {
  request out;
  out.fields = std::move(fields);
  out.from.address = address;
  return out;
}

} // namespace

TEST_CASE("browser: a cookie is found by its whole name, and not if it comes twice") {
  CHECK(cookie_of("a=1; drover=x; b=2", "drover") == "x");
  CHECK(cookie_of("drover=", "drover") == "");
  CHECK(cookie_of("drover=a=b", "drover") == "a=b");
  CHECK_FALSE(cookie_of("xdrover=1; drover2=3", "drover"));
  CHECK_FALSE(cookie_of("drover=1; drover=2", "drover"));
  CHECK_FALSE(cookie_of("", "drover"));
  CHECK_FALSE(cookie_of(";;;=; =x", "drover"));
  CHECK_FALSE(cookie_of("drover=" + std::string(limits::cookie_bytes_max, 'x'), "drover"));
}

TEST_CASE("browser: the cookie is this host's alone over TLS, and this port's without") {
  auto plain = with_fields({{"host", "127.0.0.1:8787"}});
  CHECK(cookie_name(plain) == "drover-8787");
  CHECK(cookie_field(plain, "v", 60)
        == "drover-8787=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
  CHECK(cookie_name(with_fields({{"host", "farm"}})) == "drover");
  CHECK(cookie_name(with_fields({{"host", "[::1]"}})) == "drover");
  auto tls = with_fields({{"host", "farm.example"}, {"x-forwarded-proto", "https"}});
  CHECK(cookie_field(tls, "v", 60)
        == "__Host-drover=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
}

TEST_CASE("browser: what a proxy says is believed of one on this machine alone") {
  std::map<std::string, std::string> said{{"x-forwarded-proto", "https"},
                                          {"x-forwarded-for", "6.6.6.6, 10.1.2.3"}};
  auto near = way_of(with_fields(said, "127.0.0.1"));
  CHECK(near.tls);
  CHECK(near.address == "10.1.2.3"); // the last entry is the proxy's own
  CHECK_FALSE(near.shared);
  auto far = way_of(with_fields(said, "10.9.9.9"));
  CHECK_FALSE(far.tls);
  CHECK(far.address == "10.9.9.9");
  CHECK(way_of(with_fields({}, "::1")).shared);
}

TEST_CASE("browser: a form is from this host's pages or refused") {
  auto problem = [](std::map<std::string, std::string> fields) {
    fields.emplace("host", "farm.example:8443");
    return origin_problem(with_fields(std::move(fields))).has_value();
  };
  CHECK_FALSE(problem({{"origin", "https://farm.example:8443"}}));
  CHECK_FALSE(problem({{"origin", "http://FARM.example:8443"}}));
  CHECK_FALSE(problem({{"referer", "https://farm.example:8443/login?next=/x"}}));
  for (const auto* origin :
       {"null", "https://evil.example", "https://farm.example",
        "https://farm.example:8443.evil.example", "https://farm.example:84430", "farm.example:8443",
        "https://evil.example/farm.example:8443", "https://user@farm.example:8443"}) {
    INFO(origin);
    CHECK(problem({{"origin", origin}}));
    CHECK(problem({{"referer", origin}}));
  }
  CHECK(problem({}));
  // A Referer does not make a foreign Origin good.
  CHECK(problem({{"origin", "null"}, {"referer", "https://farm.example:8443/"}}));
  // Over TLS a page without is another one.
  CHECK(problem({{"origin", "http://farm.example:8443"}, {"x-forwarded-proto", "https"}}));
  CHECK_FALSE(problem({{"origin", "https://farm.example:8443"}, {"x-forwarded-proto", "https"}}));
}

TEST_CASE("browser: forms are read as browsers write them") {
  auto sent = parse_form("name=ann+b&p.CFLAGS=-O2%20-g&empty=&%C3%A9=%C3%BC&&x");
  REQUIRE(sent);
  CHECK(field_of(*sent, "name") == "ann b");
  CHECK(field_of(*sent, "p.CFLAGS") == "-O2 -g");
  CHECK(sent->at("empty").empty());
  CHECK(sent->at("\xC3\xA9") == "\xC3\xBC");
  CHECK(field_of(*sent, "nothing").empty());
  CHECK_FALSE(parse_form("a=1&a=2"));
  CHECK_FALSE(parse_form("a=%"));
  CHECK_FALSE(parse_form("a=%00"));
  std::string many;
  for (size_t each = 0; each <= limits::form_fields_max; ++each)
    many += "f" + std::to_string(each) + "=1&";
  CHECK_FALSE(parse_form(many));
}

TEST_CASE("browser: one goes on at pages of this farm alone") {
  CHECK(safe_next("/builds/12?x=1") == "/builds/12?x=1");
  for (const auto* bad : {"", "builds", "//evil.example", "/\\evil.example", "https://evil.example",
                          "/x\r\nSet-Cookie: a=b", "/x y", "/a\\b"})
    CHECK(safe_next(bad) == "/");
}
