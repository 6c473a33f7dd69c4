// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/html.hpp"
#include "nodes/pages/pages.hpp"
#include "nodes/pages/words.hpp"
#include "tests/catch.hpp"
#include "tests/web/api_sample.hpp"
#include "tests/web/page_reader.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

using namespace drover;
using namespace drover::pages;
using drover::pages::test::json;
using drover::pages::test::page_reader;
using drover::pages::test::sample_answer;
namespace asio = boost::asio;

namespace {

/// Puts `payload` in the place of each text; with `names_too` even of states and dates.
void poison(json& value, const std::string& payload) {
  if (value.is_string())
    value = payload;
  else if (value.is_object()) {
    json out = json::object();
    for (auto& [name, inner] : value.items()) {
      poison(inner, payload);
      out[name] = std::move(inner);
    }
    // Names that people choose: parameters, facts, labels, counts.
    if (value.size() == 1 || value.contains("os"))
      out[payload] = payload;
    value = std::move(out);
  } else if (value.is_array())
    for (auto& inner : value)
      poison(inner, payload);
}

/// Lets everybody in as an admin, so that every form is shown.
class open_desk : public http::front_desk {
public:
  explicit open_desk(std::string name) : name_{std::move(name)} {}
  asio::awaitable<expected<http::visitor>> visitor_of(const http::request&) override {
    http::visitor out;
    out.who.name = name_;
    out.who.may = http::role::admin;
    out.who.browser = true;
    out.csrf = "token";
    co_return out;
  }
  asio::awaitable<http::sign_in_result> sign_in(const http::request&, std::string,
                                                std::string) override {
    co_return http::sign_in_result{403, "wrong " + name_, "", milliseconds{0}};
  }
  asio::awaitable<std::optional<failure>> sign_out(http::visitor) override {
    co_return std::nullopt;
  }

private:
  std::string name_;
};

struct api_script {
  bool signed_in = false;
  std::optional<std::string> payload;
  std::string log = "first line\nsecond line\n";
  std::vector<http::request> asked;
};

asio::awaitable<http::response> answer(api_script& plan, const http::request& asked) {
  plan.asked.push_back(asked);
  std::string path;
  for (size_t i = 2; i < asked.path.size(); ++i)
    path += (i > 2 ? "/" : "") + asked.path[i];
  http::response out;
  if (path.size() > 4 && path.substr(path.size() - 4) == "/log") {
    auto offset = std::stoull(asked.parameter("offset").value_or("0"));
    auto limit = std::stoull(asked.parameter("limit").value_or("1000000"));
    out.type = "application/octet-stream";
    out.body = plan.log.substr(std::min<size_t>(offset, plan.log.size()), limit);
    out.fields = {{"Drover-Log-Offset", std::to_string(offset)},
                  {"Drover-Log-Size", std::to_string(plan.log.size())},
                  {"Drover-Log-Complete", "true"},
                  {"Drover-Log-Attempt", "1"}};
    co_return out;
  }
  auto said = sample_answer(path);
  if (said.is_null())
    co_return http::problem(404, "there is no " + plan.payload.value_or(path));
  if (plan.payload)
    poison(said, *plan.payload);
  out.body = said.dump(-1, ' ', false, json::error_handler_t::replace);
  co_return out;
}

class empty_body : public http::body_reader {
public:
  asio::awaitable<std::string> read() override { co_return std::string{}; }
};

/// Asks the pages as a browser on this machine would.
http::response get(api_script& plan, const std::string& target, const std::string& method = "GET",
                   const std::string& host = "127.0.0.1:8080") {
  site_parts parts;
  parts.farm = plan.payload.value_or("test farm");
  parts.api = [&plan](const http::request& asked, http::body_reader&) {
    return answer(plan, asked);
  };
  if (plan.signed_in)
    parts.desk = std::make_shared<open_desk>(plan.payload.value_or("ann"));
  auto serve = make_pages(std::move(parts));
  auto asked = http::parse_target(method, target);
  REQUIRE(asked);
  asked->fields["host"] = host;
  empty_body body;
  asio::io_context loop;
  auto said = asio::co_spawn(loop, serve(*asked, body), asio::use_future);
  loop.run();
  return said.get();
}

std::string field(const http::response& answer, const std::string& name) {
  for (const auto& [key, value] : answer.fields)
    if (key == name)
      return value;
  return "";
}

const std::vector<std::string> all_pages{"/",
                                         "/builds",
                                         "/builds?builder=hello&state=finished",
                                         "/builds/12",
                                         "/builds/12/steps/test",
                                         "/builders",
                                         "/builders/hello",
                                         "/campaigns",
                                         "/campaigns/c3",
                                         "/hosts",
                                         "/hosts/h1",
                                         "/actors",
                                         "/changes",
                                         "/notices",
                                         "/notices/7",
                                         "/queue",
                                         "/events",
                                         "/builds/12/steps/test?at=11",
                                         "/builds/999",
                                         "/nonsense"};

const std::vector<std::string> hostile{
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(1)>",
  "' onmouseover='alert(1)",
  "javascript:alert(1)",
  "//evil.example/x",
  "/\\evil.example",
  "</textarea></title></style><svg/onload=alert(1)>",
  "&lt;b&gt;&#60;script&#62;",
  "a\xE2\x80\xAE"
  "b\xE2\x81\xA6"
  "c",
  std::string{"nul\0x", 5},
  "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x1b[2J\x1b[31mred",
  "broken \xff\xfe\xc3 utf-8",
  "two\r\nlines: and a header\n\n<b>",
  "{{constructor.constructor('alert(1)')()}}${7*7}",
};

} // namespace

TEST_CASE("pages: each is well-formed, closed, and made of known parts") {
  for (size_t each = 0; each < 2 * all_pages.size(); ++each) {
    const auto& page = all_pages[each / 2];
    api_script plan;
    plan.signed_in = each % 2 == 1;
    INFO(page << (plan.signed_in ? " of an admin" : ""));
    auto said = get(plan, page);
    CHECK(said.type == "text/html; charset=utf-8");
    page_reader seen{said.body};
    CHECK(seen.problem == "");
    CHECK(said.body.find("<h1") != std::string::npos);
    CHECK(field(said, "Content-Security-Policy").find("default-src 'none'") == 0);
  }
}

TEST_CASE("pages: nothing foreign becomes markup, in any field of any answer") {
  for (const auto& payload : hostile) {
    for (const auto& page : all_pages) {
      INFO(page << " with " << payload);
      api_script plan;
      plan.payload = payload;
      plan.signed_in = true;
      plan.log = payload + "\n" + payload + "\n";
      auto said = get(plan, page);
      page_reader seen{said.body};
      CHECK(seen.problem == "");
      for (const auto* never :
           {"<script>alert", "<img", "onload=alert(1)>\"", "\x1b", "\xE2\x80\xAE", "\xE2\x81\xA6"})
        CHECK(said.body.find(never) == std::string::npos);
      CHECK(said.body.find('\0') == std::string::npos);
    }
  }
}

TEST_CASE("pages: what is asked for is foreign text too") {
  for (const auto& payload : hostile) {
    auto text = http::percent_encode(payload);
    if (!http::parse_target("GET", "/builds/" + text))
      continue; // not an address at all
    for (const std::string& page :
         {"/builds/" + text, "/hosts/" + text, "/builders/" + text, "/builds?builder=" + text,
          "/events?host=" + text, "/" + text, "/builds/12/steps/" + text}) {
      INFO(page);
      api_script plan;
      page_reader seen{get(plan, page).body};
      CHECK(seen.problem == "");
    }
  }
}

TEST_CASE("pages: only one's own machine's names are answered on loopback") {
  api_script plan;
  CHECK(get(plan, "/", "GET", "localhost:1").status == 200);
  CHECK(get(plan, "/", "GET", "[::1]:1").status == 200);
  for (const std::string host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil", ""})
    CHECK(get(plan, "/", "GET", host).status == 421);
}

TEST_CASE("pages: nothing can be changed, and nothing secret be read") {
  api_script plan;
  for (const auto* method : {"POST", "DELETE", "PUT", "OPTIONS"})
    CHECK(get(plan, "/api/v1/builds/12/cancel", method).status == 405);
  CHECK(plan.asked.empty());
  for (const auto* path : {"/api/v1/config", "/api/v1/tokens", "/api/v1/config/generations/1",
                           "/api/v1/store/verify", "/api/v2/builds"})
    CHECK(get(plan, path).status == 404);
  CHECK(plan.asked.empty());
}

TEST_CASE("pages: questions are a guest's, whatever the browser sends") {
  api_script plan;
  CHECK(get(plan, "/api/v1/builds").status == 200);
  CHECK(get(plan, "/hosts").status == 200);
  REQUIRE(plan.asked.size() >= 2);
  for (const auto& asked : plan.asked) {
    CHECK(asked.from.guest == "web");
    CHECK_FALSE(asked.from.uid);
    CHECK(asked.fields.count("authorization") == 0);
  }
}

TEST_CASE("pages: the API's own answers can't run in a browser") {
  api_script plan;
  auto log = get(plan, "/api/v1/builds/12/steps/test/log");
  CHECK(field(log, "Content-Security-Policy").find("sandbox") != std::string::npos);
  CHECK(field(log, "Content-Disposition") == "attachment");
  auto text = get(plan, "/builds/12/steps/test/log.txt");
  CHECK(text.type == "text/plain; charset=utf-8");
  CHECK(text.body == plan.log);
}

TEST_CASE("pages: what the sources brought is listed, and what is not there is said") {
  api_script plan;
  auto said = get(plan, "/changes");
  CHECK(said.body.find("Fix it") != std::string::npos);
  CHECK(get(plan, "/builds/999").status == 404);
}

TEST_CASE("pages: of a source one sees how watching it goes, and of a builder all its sources") {
  api_script plan;
  auto changes = get(plan, "/changes").body;
  for (const auto* words : {"no route to upstream", "hg https://hg.example.org/lib", "looked at",
                            "with 2 revisions before it"})
    CHECK(changes.find(words) != std::string::npos);
  CHECK(changes.find("Look now") == std::string::npos);
  auto builder = get(plan, "/builders/hello").body;
  CHECK(builder.find("releases, trunk") != std::string::npos);
  CHECK(get(plan, "/").body.find("source trunk can&#39;t be read") != std::string::npos);
  plan.signed_in = true;
  CHECK(get(plan, "/changes").body.find("action=\"/sources/trunk/look\"") != std::string::npos);
}

TEST_CASE("pages: notices say what failed and why, and whom they are for") {
  api_script plan;
  auto guests = get(plan, "/notices").body;
  for (const auto* words : {"550 no such user", "hello is red", "dev@...", "delivers 1 notice"})
    CHECK(guests.find(words) != std::string::npos);
  for (const auto* words : {"dev@example.org", "<button"})
    CHECK(guests.find(words) == std::string::npos);
  CHECK(get(plan, "/notices/7").body.find("first line\nsecond line\n") != std::string::npos);
  plan.signed_in = true;
  auto admins = get(plan, "/notices").body;
  for (const auto* words : {"dev@example.org", "action=\"/notices/failed/retry\"",
                            "action=\"/notices/7/retry\"", "action=\"/reporters/people/test\""})
    CHECK(admins.find(words) != std::string::npos);
}

TEST_CASE("pages: who comes to an order's address by a link is led to the page of its form") {
  api_script plan;
  for (const auto& [path, page] : {std::pair{"/sources/trunk/look", "/changes"},
                                   {"/notices/7/retry", "/notices"},
                                   {"/reporters/people/test", "/notices"},
                                   {"/builds/12/retry", "/builds/12"}})
    CHECK(field(get(plan, path), "Location") == page);
}

TEST_CASE("html: addresses lead into the farm or nowhere") {
  for (const auto* bad :
       {"javascript:alert(1)", "//evil", "/\\evil", "http://evil", "data:text/html,x"}) {
    html out;
    out.link(bad, "x");
    CHECK(out.finish() == "<a href=\"#\">x</a>");
  }
  html out;
  out.link("/builds/1?a=b&c=d#e", "x");
  CHECK(out.finish() == "<a href=\"/builds/1?a=b&amp;c=d#e\">x</a>");
}

TEST_CASE("html: what is open is closed, in its order") {
  html out;
  {
    auto outer = out.in("div", {{"class", "a"}, {"id", ""}});
    out.open("p").text("x");
    out.close();
  }
  CHECK(out.finish() == "<div class=\"a\"><p>x</p></div>");
}

TEST_CASE("words: lengths, times and sizes") {
  // The same table is in web/test/words.test.ts.
  const std::pair<int64_t, std::string> table[] = {
    {-5, "0 ms"},     {440, "440 ms"},        {2'450, "2.4 s"},          {9'999, "9.9 s"},
    {12'000, "12 s"}, {184'000, "3 min 4 s"}, {4'320'000, "1 h 12 min"}, {183'600'000, "2 d 3 h"}};
  for (const auto& [ms, words] : table)
    CHECK(duration_words(ms) == words);
  wall_time now{1'000'000'000};
  CHECK(ago_words({now.ms - 500}, now) == "just now");
  CHECK(ago_words({now.ms - 185'000}, now) == "3 min ago");
  CHECK(ago_words({now.ms + 180'000}, now) == "in 3 min");
  CHECK(size_words(812) == "812 B");
  CHECK(size_words(1536) == "1.5 KiB");
  CHECK(size_words(17 * 1024 * 1024) == "17 MiB");
}

TEST_CASE("words: times are read as they are written, and nothing else is") {
  auto when = parse_time("2026-01-31T12:00:00.250Z");
  REQUIRE(when);
  CHECK(when->ms == 1'769'860'800'250);
  CHECK(full_time(*when) == "2026-01-31 12:00:00 UTC");
  for (const auto* bad : {"", "2026-01-31", "2026-02-30T12:00:00.000Z", "2026-01-31T12:00:00.000X",
                          "2026-01-31T12:00:00.000Z ", "-026-01-31T12:00:00.000Z"})
    CHECK_FALSE(parse_time(bad));
}
