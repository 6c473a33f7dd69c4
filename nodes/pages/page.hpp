#pragma once
// What the files of the pages share: one call, the question to the API, the frame around a page.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/json.hpp"
#include "nodes/pages/assets.hpp"
#include "nodes/pages/html.hpp"
#include "nodes/pages/pages.hpp"
#include "nodes/pages/words.hpp"
#include "schema/limits_access.hpp"

#include <nlohmann/json.hpp>

namespace drover::pages {

namespace asio = boost::asio;
using http::json;
using page_answer = asio::awaitable<http::response>;

struct site {
  site_parts parts;
  asset_set assets;
};

/// One request on its way through a page.
struct page_call {
  const site& home;
  const http::request& asked;
  std::vector<std::string> captures;
  wall_time now;
  http::visitor who = {};
  http::form typed = {};  ///< what a form sent; shown again where it was refused
  std::string wrong = {}; ///< why it was refused, one sentence
  unsigned status = 200;  ///< of the page that says so
};

// -- asking the API ------------------------------------------------------------------------------

struct api_reply {
  unsigned status = 200;
  json body;          ///< what was said; null if it was no JSON
  std::string detail; ///< one sentence, if it was refused
  bool ok() const { return status < 300; }
};

using parameters = std::map<std::string, std::string>;

// g++ 12 can't compile a list in braces within a co_await: these make the same without.

/// Segments of a path below /api/v1.
template <class... Parts>
std::vector<std::string> segments(const Parts&... parts) {
  std::vector<std::string> out;
  (out.emplace_back(parts), ...);
  return out;
}
inline parameters with(std::string first, std::string value) {
  return {{std::move(first), std::move(value)}};
}
inline parameters with(std::string first, std::string value, std::string second,
                       std::string other) {
  return {{std::move(first), std::move(value)}, {std::move(second), std::move(other)}};
}

/// GET /api/v1/PATH... with the answer as it came; for logs.
asio::awaitable<http::response> ask_raw(const page_call& call, std::vector<std::string> path,
                                        parameters query = {});
/// The same for answers in JSON.
asio::awaitable<api_reply> ask_api(const page_call& call, std::vector<std::string> path,
                                   parameters query = {});

/// POST /api/v1/PATH... in the visitor's name.
asio::awaitable<api_reply> order_api(const page_call& call, std::vector<std::string> path,
                                     parameters query = {}, std::string body = {});

// -- reading answers -----------------------------------------------------------------------------

/// The member, or null: nothing here throws for what is not there.
const json& member(const json& of, const char* name);
/// Text, a number as text, or "" for null.
std::string word(const json& of, const char* name);
int64_t number(const json& of, const char* name, int64_t otherwise = 0);
std::optional<wall_time> time_of(const json& of, const char* name);
/// Its members in order; an empty list if it is none.
const json& list(const json& of, const char* name);

// -- addresses -----------------------------------------------------------------------------------

std::string build_path(const json& build);                     ///< /builds/12
std::string path_of(std::initializer_list<std::string> parts); ///< each escaped
/// The page of one test over the builds of a builder.
std::string test_path(const std::string& builder, const std::string& suite,
                      const std::string& name);

// -- a page --------------------------------------------------------------------------------------

enum class place : uint8_t {
  front,
  builds,
  builders,
  campaigns,
  hosts,
  queue,
  changes,
  notices,
  events,
  actors,
  none
};

/// The frame of a page; what is written to `out` stands in its middle.
class page {
public:
  /// `topics`: which events concern it: "all", or "build=12 host=h1"; empty: none.
  /// What was refused is said at the top.
  page(const page_call& call, place here, std::string_view title, std::string_view topics);
  html out;
  /// 200: the call's own status.
  http::response finish(unsigned status = 200);

private:
  html::scope frame_;
  unsigned status_;
};

/// To another page, by GET.
http::response go_to(const std::string& path);

/// A page that says in one sentence why there is nothing to see.
http::response refused_page(const page_call& call, unsigned status, std::string_view sentence);
http::response refused_page(const page_call& call, const api_reply& why);
/// The fields that every answer of this door carries.
void add_guards(http::response& answer, std::string_view policy);
extern const std::string_view page_policy; ///< of pages and their files
extern const std::string_view data_policy; ///< of the API's answers: nothing may run or load

// -- parts of pages ------------------------------------------------------------------------------

/// State or result as a symbol with its word; what is not known is shown as it came.
void mark(html& out, const std::string& state, const std::string& result);
void mark_build(html& out, const json& build);
/// "good", "bad", "warn", "busy", "idle" or "off": how a state or result is coloured.
literal tone_of(const std::string& state, const std::string& result);
bool is_red(const std::string& result);

void ago(html& out, std::optional<wall_time> when, wall_time now);
/// How long it took, or takes so far.
void span_of(html& out, const json& what, wall_time now);
/// hello #12, as a link.
void build_link(html& out, const json& build);
void host_link(html& out, const std::string& host);
/// What was built, in short; empty: nothing from a source.
std::string source_words(const json& source);
/// The reason of a step that is not good, where it says more than its exit code beside it.
void why_not_good(html& out, const json& what);
/// A heading with an anchor of its own.
void heading(html& out, literal id, std::string_view text);
void nothing_here(html& out, std::string_view sentence);
/// The sources whose changes a builder builds, its own first.
std::vector<std::string> sources_of(const json& builder);
/// A name and what is said of it, for <dl>.
void fact(html& out, std::string_view name, std::string_view value);
void evidence_list(html& out, const json& why);
/// Text of several lines, each as it stands.
void text_block(html& out, std::string_view lines);
/// The rows of builds, newest first.
void build_table(html& out, const json& builds, wall_time now);
/// One small square a build, oldest first, each a link that says what it was.
void history_strip(html& out, const json& builds_newest_first, wall_time now);
/// Links to the next page of a list, if there is one.
void pager(html& out, std::string_view path, const json& next, parameters keep);

// -- forms ---------------------------------------------------------------------------------------

/// Takes down why an order was refused, for the page that is shown again.
void refuse(page_call& call, unsigned status, std::string why);
void refuse(page_call& call, const api_reply& why);
/// A form that changes something, with the visitor's token; closed by its scope.
html::scope form_in(html& out, const page_call& call, std::string_view path,
                    std::string_view css = "order");
/// A labelled text field; what was typed before stays in it.
struct text_field {
  literal name;
  std::string_view label;
  std::string_view value = {};
  bool required = false;
};
void field_in(html& out, const page_call& call, const text_field& field);
/// Why something is asked for; stands in the journal.
void reason_field(html& out, const page_call& call);
void submit_button(html& out, std::string_view words, std::string_view css = {});
/// Where buttons would be: a link to sign in, or why one has none.
void no_right(html& out, const page_call& call, std::string_view what);
/// "/login?next=..." that leads back to this page.
std::string sign_in_path(const page_call& call);
/// The buttons of a build, for who may press them.
void build_orders(html& out, const page_call& call, const json& build);
void host_orders(html& out, const page_call& call, const json& host);
void campaign_orders(html& out, const page_call& call, const json& campaign);
/// The Force form of a builder, and where its build would run.
asio::awaitable<html> force_form(const page_call& call, json builder);

// -- what forms ask for: the page again with what is wrong, or on to what came of it
// ----------------

page_answer show_sign_in(page_call& call);
page_answer act_sign_in(page_call& call);
page_answer act_sign_out(page_call& call);
page_answer act_force(page_call& call);
page_answer act_cancel(page_call& call);
page_answer act_retry(page_call& call);
page_answer act_host(page_call& call);
page_answer act_campaign_retry(page_call& call);
page_answer act_look(page_call& call);
page_answer act_notice_retry(page_call& call);
page_answer act_reporter_test(page_call& call);

// -- pages ---------------------------------------------------------------------------------------

page_answer show_front(page_call& call);
page_answer show_builds(page_call& call);
page_answer show_build(page_call& call);
page_answer show_step(page_call& call);
page_answer show_lines(page_call& call);
page_answer show_log_text(page_call& call);
page_answer show_builders(page_call& call);
page_answer show_builder(page_call& call);
page_answer show_test_story(page_call& call);
page_answer show_campaigns(page_call& call);
page_answer show_campaign(page_call& call);
page_answer show_hosts(page_call& call);
page_answer show_host(page_call& call);
page_answer show_actors(page_call& call);
page_answer show_changes(page_call& call);
page_answer show_queue(page_call& call);
page_answer show_events(page_call& call);
page_answer show_notices(page_call& call);
page_answer show_notice(page_call& call);

} // namespace drover::pages
