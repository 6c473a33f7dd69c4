// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"

#include "schema/names.hpp"

namespace drover::pages {

namespace {

/// A question of ours has no body.
class no_body : public http::body_reader {
public:
  asio::awaitable<std::string> read() override { co_return std::string{}; }
};

struct entry {
  place where;
  literal path;
  literal words;
};
constexpr entry menu[] = {
  {place::front, "/", "Front"},
  {place::builds, "/builds", "Builds"},
  {place::builders, "/builders", "Builders"},
  {place::campaigns, "/campaigns", "Campaigns"},
  {place::hosts, "/hosts", "Hosts"},
  {place::queue, "/queue", "Queue"},
  {place::changes, "/changes", "Changes"},
  {place::notices, "/notices", "Notices"},
  {place::events, "/events", "Events"},
  {place::actors, "/actors", "Actors"},
};

/// A question of ours with a body.
class text_body : public http::body_reader {
public:
  explicit text_body(std::string text) : text_{std::move(text)} {}
  asio::awaitable<std::string> read() override { co_return std::exchange(text_, {}); }

private:
  std::string text_;
};

const json nothing = nullptr;
const json no_rows = json::array();

void write_head(html& out, const page_call& call, std::string_view title) {
  auto head = out.in("head");
  out.single("meta", {{"charset", "utf-8"}});
  out.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  out.single("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  out.element("title", std::string{title} + " - " + call.home.parts.farm);
  if (auto style = call.home.assets.address("drover.css"); !style.empty())
    out.single("link", {{"rel", "stylesheet"}, {"href", style}});
  if (auto icon = call.home.assets.address("drover.svg"); !icon.empty())
    out.single("link", {{"rel", "icon"}, {"href", icon}, {"type", "image/svg+xml"}});
  if (auto script = call.home.assets.address("drover.js"); !script.empty())
    out.element("script", {{"src", script}, {"type", "module"}}, "");
}

/// Who is signed in, or the way to.
void write_visitor(html& out, const page_call& call) {
  if (!call.home.parts.desk)
    return;
  auto box = out.in("div", {{"class", "visitor"}});
  if (!call.who.signed_in()) {
    out.link(sign_in_path(call), "Sign in");
    return;
  }
  out.element("span", {{"class", "quiet"}}, call.who.who.name);
  auto form = form_in(out, call, "/logout", "plain");
  submit_button(out, "Sign out", "quiet");
}

void write_top(html& out, const page_call& call, place here) {
  out.element("a", {{"class", "skip"}, {"href", "#main"}}, "Skip to the content");
  auto top = out.in("header", {{"class", "top"}});
  {
    auto brand = out.in("a", {{"class", "brand"}, {"href", "/"}});
    out.ours(
      "<svg class=\"logo\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><path d=\"M4 25c3-9 7-13 "
      "12-13s9 4 12 13\"/><circle cx=\"10\" cy=\"25\" r=\"2.6\"/><circle cx=\"22\" cy=\"25\" "
      "r=\"2.6\"/><path d=\"M16 12V5m0 0 4 2.2L16 9\"/></svg>");
    out.element("span", {{"class", "farm"}}, call.home.parts.farm);
  }
  if (!call.home.parts.desk || call.who.who.may >= http::role::view) {
    auto nav = out.in("nav", {{"aria-label", "Pages of the farm"}});
    for (const auto& each : menu)
      out.element("a",
                  {{"href", each.path.text()}, {"aria-current", each.where == here ? "page" : ""}},
                  each.words.text());
  }
  write_visitor(out, call);
  // The script writes here whether the page is live; without it nothing is promised.
  out.element("div", {{"id", "live"}, {"class", "live"}}, "");
}

std::string target_of(const std::vector<std::string>& path, const parameters& query) {
  std::string out;
  for (const auto& part : path)
    out += "/" + http::percent_encode(part);
  char before = '?';
  for (const auto& [name, value] : query) {
    out += before + http::percent_encode(name) + "=" + http::percent_encode(value);
    before = '&';
  }
  return out;
}

} // namespace

const std::string_view page_policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
  "connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
  "base-uri 'none'";
const std::string_view data_policy = "default-src 'none'; frame-ancestors 'none'; sandbox";

asio::awaitable<http::response> ask_raw(const page_call& call, std::vector<std::string> path,
                                        parameters query) {
  http::request asked = call.asked; // who asks stays the same
  asked.method = "GET";
  asked.path = {"api", "v1"};
  asked.path.insert(asked.path.end(), path.begin(), path.end());
  asked.target = target_of(asked.path, query);
  asked.query = std::move(query);
  asked.content_length.reset();
  no_body body;
  co_return co_await call.home.parts.api(asked, body);
}

namespace {

api_reply reply_of(const http::response& said) {
  api_reply out;
  out.status = said.status;
  out.body = json::parse(said.body, nullptr, false);
  if (out.body.is_discarded())
    out.body = nullptr;
  if (!out.ok())
    out.detail = word(out.body, "detail");
  return out;
}

} // namespace

asio::awaitable<api_reply> order_api(const page_call& call, std::vector<std::string> path,
                                     parameters query, std::string body) {
  http::request asked = call.asked;
  asked.method = "POST";
  asked.path = {"api", "v1"};
  asked.path.insert(asked.path.end(), path.begin(), path.end());
  asked.target = target_of(asked.path, query);
  asked.query = std::move(query);
  asked.content_length = body.size();
  text_body sent{std::move(body)};
  co_return reply_of(co_await call.home.parts.api(asked, sent));
}

asio::awaitable<api_reply> ask_api(const page_call& call, std::vector<std::string> path,
                                   parameters query) {
  co_return reply_of(co_await ask_raw(call, std::move(path), std::move(query)));
}

const json& member(const json& of, const char* name) {
  if (!of.is_object())
    return nothing;
  auto found = of.find(name);
  return found == of.end() ? nothing : *found;
}

std::string word(const json& of, const char* name) {
  const auto& value = member(of, name);
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_null() || value.is_structured())
    return "";
  return value.dump();
}

int64_t number(const json& of, const char* name, int64_t otherwise) {
  const auto& value = member(of, name);
  return value.is_number_integer() ? value.get<int64_t>() : otherwise;
}

std::optional<wall_time> time_of(const json& of, const char* name) {
  return parse_time(word(of, name));
}

const json& list(const json& of, const char* name) {
  const auto& value = member(of, name);
  return value.is_array() ? value : no_rows;
}

std::string path_of(std::initializer_list<std::string> parts) {
  std::string out;
  for (const auto& part : parts)
    out += "/" + http::percent_encode(part);
  return out;
}

std::string build_path(const json& build) {
  return path_of({"builds", word(build, "id")});
}

void add_guards(http::response& answer, std::string_view policy) {
  answer.fields.emplace_back("Content-Security-Policy", std::string{policy});
  answer.fields.emplace_back("Referrer-Policy", "same-origin");
  answer.fields.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  answer.fields.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

page::page(const page_call& call, place here, std::string_view title, std::string_view topics)
    : frame_{(out.ours("<!doctype html>\n"), out.in("html", {{"lang", "en"}}))}, status_{
                                                                                   call.status} {
  write_head(out, call, title);
  out.open("body");
  write_top(out, call, here);
  out.open("main", {{"id", "main"}, {"data-topics", topics}});
  if (!call.wrong.empty())
    out.element("p", {{"class", "verdict bad"}, {"role", "alert"}, {"id", "wrong"}}, call.wrong);
}

http::response page::finish(unsigned status) {
  while (out.depth() > 2) // what is open within <html> and <body>
    out.close();
  { // who wrote this page, and that a script reads the same
    auto foot = out.in("footer");
    out.text("Everything here is also in the API, as JSON: ");
    out.element("code", "/api/v1/");
  }
  http::response answer;
  answer.status = status == 200 ? status_ : status;
  answer.type = "text/html; charset=utf-8";
  answer.body = out.finish() + "\n";
  add_guards(answer, page_policy);
  return answer;
}

http::response go_to(const std::string& path) {
  http::response out;
  out.status = 303;
  out.type = "text/plain; charset=utf-8";
  out.body = "go on at " + path + "\n";
  out.fields.emplace_back("Location", path);
  add_guards(out, page_policy);
  return out;
}

http::response refused_page(const page_call& call, unsigned status, std::string_view sentence) {
  page made{call, place::none, status == 404 ? "Not there" : "Not possible now", ""};
  made.out.element("h1", status == 404 ? "There is no such thing" : "That can't be shown now");
  made.out.element("p", {{"class", "lead"}}, sentence);
  {
    auto line = made.out.in("p");
    made.out.link("/", "To the front page");
  }
  return made.finish(status);
}

http::response refused_page(const page_call& call, const api_reply& why) {
  return refused_page(call, why.status,
                      why.detail.empty()
                        ? "the farm answered with status " + std::to_string(why.status)
                        : why.detail);
}

} // namespace drover::pages
