// Which address is answered by which page, and what else this door serves.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/pages.hpp"

#include "nodes/http/path_match.hpp"
#include "nodes/pages/page.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

struct route {
  std::string_view pattern; ///< segments; `*` is any one
  page_answer (*show)(page_call&);
};

constexpr route routes[] = {
  {"", show_front},
  {"builds", show_builds},
  {"builds/*", show_build},
  {"builds/*/steps/*", show_step},
  {"builds/*/steps/*/lines", show_lines},
  {"builds/*/steps/*/log.txt", show_log_text},
  {"builders", show_builders},
  {"builders/*", show_builder},
  {"builders/*/tests", show_test_story},
  {"campaigns", show_campaigns},
  {"campaigns/*", show_campaign},
  {"hosts", show_hosts},
  {"hosts/*", show_host},
  {"actors", show_actors},
  {"changes", show_changes},
  {"queue", show_queue},
  {"events", show_events},
  {"notices", show_notices},
  {"notices/*", show_notice},
  {"login", show_sign_in},
};

/// What forms ask for. Whoever comes here by GET is led to the page of the form.
struct action {
  std::string_view pattern;
  page_answer (*act)(page_call&);
  std::string_view page = {}; ///< where its form is; empty: at the first two segments
};
constexpr action actions[] = {
  {"logout", act_sign_out},
  {"builders/*/force", act_force},
  {"builds/*/cancel", act_cancel},
  {"builds/*/retry", act_retry},
  {"hosts/*/*", act_host},
  {"campaigns/*/retry", act_campaign_retry},
  {"sources/*/look", act_look, "/changes"},
  {"notices/*/retry", act_notice_retry, "/notices"},
  {"reporters/*/test", act_reporter_test, "/notices"},
};

/// What of the API everybody may read here, by the segment behind `v1`. Configurations, keys and
/// the store's upkeep are not for this door.
constexpr std::string_view open_api[] = {
  "builds",  "tests",  "campaigns", "hosts",   "actors", "builders",
  "changes", "events", "sources",   "healthz", "readyz", "openapi.json",
};

/// The name in a Host field, without its port.
std::string_view host_name_of(std::string_view field) {
  if (!field.empty() && field[0] == '[')
    return field.substr(0, std::min(field.find(']') + 1, field.size()));
  return field.substr(0, std::min(field.find(':'), field.size()));
}

/// Another site's name can be made to lead to our loopback address: its scripts must read nothing.
bool is_own_name(const http::request& asked, const std::vector<std::string>& more) {
  auto field = asked.fields.find("host");
  auto name = field == asked.fields.end() ? std::string_view{} : host_name_of(field->second);
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]"
         || std::find(more.begin(), more.end(), name) != more.end();
}

bool is_open_api(const std::vector<std::string>& path) {
  return path.size() >= 2 && path[0] == "api" && path[1] == "v1"
         && (path.size() == 2
             || std::find(std::begin(open_api), std::end(open_api), path[2]) != std::end(open_api));
}

/// The API's own answer, made harmless for a browser that opens it.
page_answer pass_on(const site& home, const http::request& asked, http::body_reader& body) {
  auto answer = co_await home.parts.api(asked, body);
  add_guards(answer, data_policy);
  if (answer.type == "application/octet-stream")
    answer.fields.emplace_back("Content-Disposition", "attachment");
  co_return answer;
}

http::response serve_asset(const page_call& call) {
  const auto* file = call.home.assets.find(call.asked.path[1]);
  if (!file)
    return http::problem(404, "there is no file " + printable(call.asked.target, 200));
  http::response answer;
  answer.type = file->type;
  answer.body = file->bytes;
  // Its address changes with its content.
  auto current = call.asked.parameter("v") == file->version;
  answer.fields.emplace_back("Cache-Control",
                             current ? "public, max-age=31536000, immutable" : "no-cache");
  add_guards(answer, page_policy);
  return answer;
}

/// The body of a form as a browser sends it.
asio::awaitable<expected<http::form>> read_form(const http::request& asked,
                                                http::body_reader& body) {
  auto type = asked.fields.find("content-type");
  constexpr std::string_view wanted = "application/x-www-form-urlencoded";
  if (type == asked.fields.end() || type->second.substr(0, wanted.size()) != wanted)
    co_return failure{ec::bad_input, "a form is sent as application/x-www-form-urlencoded"};
  std::string text;
  for (;;) {
    auto piece = co_await body.read();
    if (piece.empty())
      co_return http::parse_form(text);
    text += piece;
    if (text.size() > limits::form_bytes_max)
      throw http::body_too_large{"the form is longer than " + std::to_string(limits::form_bytes_max)
                                 + " bytes"};
  }
}

/// Compares digests: how long it takes tells nothing of the token.
bool is_token(const std::string& sent, const std::string& own) {
  return !own.empty() && http::digest_of_token(sent) == http::digest_of_token(own);
}

/// A form: it must come from a page of ours, and from the session that it was made for.
page_answer serve_form(page_call& call, http::body_reader& body) {
  if (!call.home.parts.desk)
    co_return http::problem(405, "nothing can be changed here; use GET, HEAD");
  if (auto problem = http::origin_problem(call.asked))
    co_return refused_page(call, 403, *problem);
  auto sent = co_await read_form(call.asked, body);
  if (!sent)
    co_return refused_page(call, 400, sent.error().text);
  call.typed = std::move(*sent);
  if (http::match_path("login", call.asked.path))
    co_return co_await act_sign_in(call);
  for (const auto& candidate : actions) {
    auto captures = http::match_path(candidate.pattern, call.asked.path);
    if (!captures)
      continue;
    if (!call.who.signed_in()) {
      call.wrong = "nothing was done: you are not signed in (any more); sign in and try again";
      call.status = 403;
      co_return co_await show_sign_in(call);
    }
    if (!is_token(http::field_of(call.typed, "csrf"), call.who.csrf))
      co_return refused_page(call, 403,
                             "nothing was done: the form is not of this session; go back, load the "
                             "page again and try once more");
    call.captures = std::move(*captures);
    co_return co_await candidate.act(call);
  }
  auto refused = http::problem(405, "nothing can be changed here; use GET, HEAD");
  refused.fields.emplace_back("Allow", "GET, HEAD");
  co_return refused;
}

page_answer serve_page(page_call& call) {
  for (const auto& candidate : routes) {
    auto captures = http::match_path(candidate.pattern, call.asked.path);
    if (!captures)
      continue;
    call.captures = std::move(*captures);
    co_return co_await candidate.show(call);
  }
  const auto& path = call.asked.path;
  for (const auto& candidate : actions)
    if (path.size() == 3 && http::match_path(candidate.pattern, path))
      co_return go_to(candidate.page.empty() ? path_of({path[0], path[1]})
                                             : std::string{candidate.page});
  if (!path.empty() && path[0] == "api")
    co_return http::problem(404, "that part of the API is not served here; use its own address");
  co_return refused_page(call, 404, "this farm has no page " + printable(call.asked.target, 200));
}

/// Where one who may not look is led, unless what is asked for is for everybody.
std::optional<http::response> turned_away(const page_call& call) {
  if (!call.home.parts.desk || call.who.who.may >= http::role::view
      || http::match_path("login", call.asked.path) || http::match_path("logout", call.asked.path))
    return std::nullopt;
  if (!call.who.signed_in())
    return go_to(sign_in_path(call));
  return refused_page(call, 403, "your account may not look at this farm; ask who runs it");
}

page_answer serve(const site& home, http::request asked, http::body_reader& body) {
  asked.from.uid.reset();
  asked.from.guest = "web";
  asked.fields.erase("authorization");
  if (home.parts.loopback_only && !is_own_name(asked, home.parts.names))
    co_return http::problem(421, "these pages answer to 127.0.0.1, localhost and the names of "
                                 "--web-name alone");
  auto now = std::chrono::system_clock::now().time_since_epoch();
  page_call call{
    home, asked, {}, {std::chrono::duration_cast<milliseconds>(now) / milliseconds{1}}};
  if (asked.path.size() == 2 && asked.path[0] == "assets"
      && (asked.method == "GET" || asked.method == "HEAD"))
    co_return serve_asset(call);
  if (home.parts.desk) {
    auto who = co_await home.parts.desk->visitor_of(asked);
    if (!who)
      co_return refused_page(call, 503, who.error().text);
    call.who = std::move(*who);
    asked.from.known = std::make_shared<const http::caller>(call.who.who);
  }
  if (asked.method == "POST")
    co_return co_await serve_form(call, body);
  if (asked.method != "GET" && asked.method != "HEAD") {
    auto refused = http::problem(405, "nothing can be changed here; use GET, HEAD");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    co_return refused;
  }
  if (is_open_api(asked.path))
    co_return co_await pass_on(home, asked, body);
  if (auto away = turned_away(call))
    co_return std::move(*away);
  co_return co_await serve_page(call);
}

} // namespace

http::handler make_pages(site_parts parts) {
  auto home = std::make_shared<site>();
  home->assets = asset_set::read(parts.assets);
  home->parts = std::move(parts);
  return [home](const http::request& asked, http::body_reader& body) {
    return serve(*home, asked, body);
  };
}

} // namespace drover::pages
