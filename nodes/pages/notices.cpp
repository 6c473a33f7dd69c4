// What people were told, or are to be: what failed and why, what waits, and who hears of anything.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

namespace drover::pages {

namespace {

bool may_retry(const page_call& call) {
  return call.who.who.may >= http::role::admin;
}

/// Whom it is for. Mail addresses are for those who are signed in, not for everybody who looks.
std::string addressees(const page_call& call, const json& notice) {
  std::string out;
  for (const auto& each : list(notice, "to")) {
    auto address = each.is_string() ? each.get<std::string>() : each.dump();
    if (auto at = address.find('@'); at != std::string::npos && !call.who.signed_in())
      address.resize(at + 1);
    out += (out.empty() ? "" : ", ") + address + (address.ends_with('@') ? "..." : "");
  }
  return out;
}

/// What it is about, as links.
void about_links(html& out, const json& notice) {
  if (auto build = word(notice, "build"); !build.empty())
    out.link(path_of({"builds", build}), word(notice, "builder") + " #" + build, "build");
  if (auto campaign = word(notice, "campaign"); !campaign.empty())
    out.link(path_of({"campaigns", campaign}), "campaign " + campaign);
  if (auto host = word(notice, "host"); !host.empty())
    host_link(out, host);
}

/// How its delivery goes: tries, the last error, when it is tried again.
void delivery_words(html& out, const json& notice, wall_time now) {
  auto problem = word(notice, "last_error");
  auto tries = number(notice, "tries");
  if (!problem.empty() && word(notice, "state") != "delivered")
    out.element("span", {{"class", "problem"}}, problem);
  auto line = out.in("span", {{"class", "quiet end"}});
  if (tries > 0)
    out.text(count_words(static_cast<size_t>(tries), "try", "tries"));
  if (auto next = time_of(notice, "next_try"); next && word(notice, "state") == "waiting") {
    out.text(tries > 0 ? ", again " : "");
    ago(out, next, now);
  }
}

void retry_button(html& out, const page_call& call, const json& notice) {
  if (!may_retry(call) || word(notice, "state") == "delivered")
    return;
  auto form = form_in(out, call, path_of({"notices", word(notice, "id"), "retry"}), "plain");
  submit_button(out, "Try again");
}

/// Those that have not arrived, each with its problem and a button.
struct pending_part {
  literal id;
  std::string_view title;
};
void show_pending(html& out, const page_call& call, const json& notices, const pending_part& what) {
  if (notices.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", what.id.text()}});
  heading(out, what.id, what.title);
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& notice : notices) {
    auto id = word(notice, "id");
    auto row = out.in("li", {{"id", "pending" + id}});
    {
      auto line = out.in("div", {{"class", "line whole"}});
      out.link(path_of({"notices", id}), word(notice, "subject"), "build");
      auto to = addressees(call, notice);
      out.element("span", {{"class", "quiet"}},
                  "by " + word(notice, "reporter") + (to.empty() ? "" : " to " + to));
      ago(out, time_of(notice, "made_at"), call.now);
    }
    delivery_words(out, notice, call.now);
    retry_button(out, call, notice);
  }
}

void notice_row(html& out, const page_call& call, const json& notice) {
  auto id = word(notice, "id");
  auto row = out.in("tr", {{"id", "notice" + id}});
  {
    auto cell = out.in("td", {{"class", "time"}});
    ago(out, time_of(notice, "made_at"), call.now);
  }
  out.element("td", word(notice, "reporter"));
  out.element("td", addressees(call, notice));
  out.element("td", plain_words(word(notice, "kind")));
  {
    auto cell = out.in("td", {{"class", "why"}});
    out.link(path_of({"notices", id}), word(notice, "subject"));
  }
  auto cell = out.in("td");
  mark(out, word(notice, "state"), "");
}

void show_list(html& out, const page_call& call, const json& notices) {
  auto part = out.in("section", {{"aria-labelledby", "told"}});
  heading(out, "told", "What was told whom");
  if (notices.empty())
    return nothing_here(out, "Nobody was told anything yet.");
  auto box = out.in("div", {{"class", "scroll"}});
  auto table = out.in("table", {{"class", "stack"}});
  {
    auto head = out.in("thead");
    auto row = out.in("tr");
    for (auto name : {"When", "By", "To", "Kind", "What", "State"})
      out.element("th", {{"scope", "col"}}, name);
  }
  auto body = out.in("tbody");
  for (const auto& notice : notices)
    notice_row(out, call, notice);
}

/// The reporters that work now, each with what it does; the actors' list knows them.
void show_reporters(html& out, const page_call& call, const json& actors) {
  auto part = out.in("section", {{"aria-labelledby", "reporters"}});
  heading(out, "reporters", "Reporters");
  constexpr std::string_view prefix = "reporter/";
  bool any = false;
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& actor : actors) {
    auto name = word(actor, "name");
    if (word(actor, "kind") != "reporter" || name.substr(0, prefix.size()) != prefix)
      continue;
    any = true;
    name.erase(0, prefix.size());
    auto row = out.in("li", {{"id", "reporter-" + name}});
    out.element("span", {{"class", "stepname"}}, name);
    out.element("span", {{"class", "problem"}}, word(actor, "state"));
    if (auto activity = word(actor, "activity"); !activity.empty())
      out.element("span", {{"class", "quiet end"}}, activity);
    if (may_retry(call)) {
      auto form = form_in(out, call, path_of({"reporters", name, "test"}), "plain");
      submit_button(out, "Send a test");
    }
  }
  if (!any) {
    auto row = out.in("li");
    out.element("span", {{"class", "quiet"}},
                "None: nobody is told anything. Reporters are named in farm.yaml.");
  }
}

std::string verdict(size_t failed, size_t waiting) {
  std::string out;
  if (failed > 0)
    out = count_words(failed, "notice was not delivered", "notices were not delivered");
  if (waiting > 0)
    out += (out.empty() ? "" : ", ") + count_words(waiting, "notice waits", "notices wait");
  return out.empty() ? "Everything that was told has arrived" : out;
}

} // namespace

page_answer show_notices(page_call& call) {
  auto rows = std::to_string(limits::page_list_rows);
  auto query = with("limit", rows);
  if (auto before = call.asked.parameter("before"))
    query["before"] = *before;
  auto all = co_await ask_api(call, segments("notices"), query);
  auto failed = co_await ask_api(call, segments("notices"), with("state", "failed", "limit", rows));
  auto waiting =
    co_await ask_api(call, segments("notices"), with("state", "waiting", "limit", rows));
  for (const auto* reply : {&all, &failed, &waiting})
    if (!reply->ok())
      co_return refused_page(call, *reply);
  auto actors = co_await ask_api(call, segments("actors"), with("node", "coordinator"));
  const auto& bad = list(failed.body, "notices");
  const auto& open = list(waiting.body, "notices");
  page made{call, place::notices, "Notices", "all"};
  auto& out = made.out;
  auto tone = !bad.empty() ? "verdict bad" : open.empty() ? "verdict good" : "verdict busy";
  out.element("h1", {{"class", tone}}, verdict(bad.size(), open.size()));
  if (!bad.empty() && may_retry(call)) {
    auto part = out.in("section", {{"id", "retry"}, {"class", "orders"}});
    auto form = form_in(out, call, "/notices/failed/retry");
    submit_button(out, "Try again all that failed", "main");
  } else if (!bad.empty()) {
    no_right(out, call, "have them tried again");
  }
  show_pending(out, call, bad, {"failed", "What failed, and why"});
  show_pending(out, call, open, {"pending", "What waits, and why"});
  show_reporters(out, call, list(actors.body, "actors"));
  show_list(out, call, list(all.body, "notices"));
  pager(out, "/notices", member(all.body, "next"), {});
  co_return made.finish();
}

page_answer show_notice(page_call& call) {
  auto notice = co_await ask_api(call, segments("notices", call.captures[0]));
  if (!notice.ok())
    co_return refused_page(call, notice);
  const auto& body = notice.body;
  page made{call, place::notices, word(body, "subject"), "all"};
  auto& out = made.out;
  {
    auto line = out.in("p", {{"class", "crumbs"}});
    out.link("/notices", "Notices");
    out.text("notice " + word(body, "id"));
  }
  {
    auto line = out.in("h1");
    out.text(word(body, "subject"));
    mark(out, word(body, "state"), "");
  }
  {
    auto line = out.in("div", {{"class", "line"}, {"id", "delivery"}});
    delivery_words(out, body, call.now);
    retry_button(out, call, body);
  }
  text_block(out, word(body, "text"));
  auto facts = out.in("dl", {{"class", "facts"}});
  fact(out, "Reporter", word(body, "reporter"));
  fact(out, "To", addressees(call, body));
  fact(out, "Kind", plain_words(word(body, "kind")));
  fact(out, "Thread", word(body, "thread"));
  {
    auto pair = out.in("div");
    out.element("dt", "About");
    auto value = out.in("dd", {{"class", "line"}});
    about_links(out, body);
  }
  for (auto [name, label] : {std::pair{"made_at", "Made"}, {"done_at", "Ended"}}) {
    if (auto when = time_of(body, name)) {
      auto pair = out.in("div");
      out.element("dt", label);
      auto value = out.in("dd");
      out.text(full_time(*when) + ", ");
      ago(out, when, call.now);
    }
  }
  co_return made.finish();
}

page_answer act_notice_retry(page_call& call) {
  auto id = call.captures[0];
  auto path = id == "failed" ? segments("notices", "retry") : segments("notices", id, "retry");
  auto done = co_await order_api(call, std::move(path));
  if (done.ok())
    co_return go_to("/notices");
  refuse(call, done);
  co_return co_await show_notices(call);
}

page_answer act_reporter_test(page_call& call) {
  auto done = co_await order_api(call, segments("reporters", call.captures[0], "test"));
  if (done.ok())
    co_return go_to(path_of({"notices", word(done.body, "id")}));
  refuse(call, done);
  co_return co_await show_notices(call);
}

} // namespace drover::pages
