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
};

/// What of the API everybody may read here, by the segment behind `v1`. Configurations, keys and
/// the store's upkeep are not for this door.
constexpr std::string_view open_api[] = {
  "builds", "campaigns", "hosts",   "actors", "builders",     "changes",
  "events", "sources",   "healthz", "readyz", "openapi.json",
};

/// The name in a Host field, without its port.
std::string_view host_name_of(std::string_view field) {
  if (!field.empty() && field[0] == '[')
    return field.substr(0, std::min(field.find(']') + 1, field.size()));
  return field.substr(0, std::min(field.find(':'), field.size()));
}

/// Another site's name can be made to lead to our loopback address: its scripts must read nothing.
bool is_own_name(const http::request& asked) {
  auto field = asked.fields.find("host");
  auto name = field == asked.fields.end() ? std::string_view{} : host_name_of(field->second);
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
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

page_answer serve(const site& home, http::request asked, http::body_reader& body) {
  asked.from = {};
  asked.from.guest = "web";
  asked.fields.erase("authorization");
  if (home.parts.loopback_only && !is_own_name(asked))
    co_return http::problem(421, "these pages answer to 127.0.0.1 and localhost alone");
  if (asked.method != "GET" && asked.method != "HEAD") {
    auto refused = http::problem(405, "nothing can be changed here; use GET, HEAD");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    co_return refused;
  }
  if (is_open_api(asked.path))
    co_return co_await pass_on(home, asked, body);
  auto now = std::chrono::system_clock::now().time_since_epoch();
  page_call call{
    home, asked, {}, {std::chrono::duration_cast<milliseconds>(now) / milliseconds{1}}};
  if (asked.path.size() == 2 && asked.path[0] == "assets")
    co_return serve_asset(call);
  for (const auto& candidate : routes) {
    auto captures = http::match_path(candidate.pattern, asked.path);
    if (!captures)
      continue;
    call.captures = std::move(*captures);
    co_return co_await candidate.show(call);
  }
  if (!asked.path.empty() && asked.path[0] == "api")
    co_return http::problem(404, "that part of the API is not served here; use its own address");
  co_return refused_page(call, 404, "this farm has no page " + printable(asked.target, 200));
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
