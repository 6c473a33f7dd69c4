// Sources: how watching each one goes, and what they have brought.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

namespace drover::pages {

namespace {

void change_row(html& out, const json& change, wall_time now) {
  auto row = out.in("tr", {{"id", "change" + word(change, "id")}});
  {
    auto cell = out.in("td", {{"class", "time"}});
    ago(out, time_of(change, "seen_at"), now);
  }
  out.element("td", word(change, "source"));
  const auto& ref = member(change, "ref");
  auto what = ref.is_object() ? source_words(ref) : word(change, "ref");
  auto branch = word(change, "branch");
  out.element("td", {{"class", "source"}}, what + (branch.empty() ? "" : " on " + branch));
  out.element("td", word(change, "author"));
  {
    auto cell = out.in("td", {{"class", "why"}});
    out.text(word(change, "title"));
    if (auto covers = list(change, "covers").size(); covers > 0)
      out.element("span", {{"class", "quiet"}},
                  " with " + count_words(covers, "revision", "revisions") + " before it");
    if (auto note = word(change, "note"); !note.empty())
      out.element("span", {{"class", "mark warn"}}, note);
  }
  auto cell = out.in("td");
  if (auto campaign = word(change, "campaign"); !campaign.empty()) {
    out.link(path_of({"campaigns", campaign}), campaign);
    return;
  }
  auto line = out.in("span", {{"class", "line"}});
  for (const auto& build : list(change, "builds"))
    out.link(path_of({"builds", build.dump()}), "#" + build.dump());
}

/// What it is, in short: "hg https://hg.example.org/lib", "timer 0 3 * * * Europe/Berlin".
std::string kind_words(const json& source) {
  auto out = plain_words(word(source, "kind"));
  for (const auto* name : {"location", "match", "cron", "zone"})
    if (auto text = word(source, name); !text.empty())
      out += " " + text;
  if (auto of = word(source, "of"); !of.empty())
    out += " of " + of;
  return out;
}

void source_row(html& out, const page_call& call, const json& source) {
  auto name = word(source, "name");
  auto problem = word(source, "last_error");
  auto row = out.in("li", {{"id", "source-" + name}});
  if (!problem.empty())
    mark(out, "failed", "");
  out.element("span", {{"class", "stepname"}}, name);
  out.element("span", {{"class", "quiet"}}, kind_words(source));
  {
    auto times = out.in("span", {{"class", "quiet end"}});
    out.text("looked at ");
    ago(out, time_of(source, "last_look"), call.now);
    if (auto next = time_of(source, "next_look")) {
      out.text(", again ");
      ago(out, next, call.now);
    }
  }
  if (call.who.who.may >= http::role::force && word(source, "kind") != "timer") {
    auto form = form_in(out, call, path_of({"sources", name, "look"}), "plain");
    submit_button(out, "Look now");
  }
  if (problem.empty())
    return;
  auto why = out.in("span", {{"class", "why"}});
  auto success = time_of(source, "last_success");
  out.text(problem + (success ? "; it went well " : "; it never went well"));
  if (success)
    ago(out, success, call.now);
}

void show_sources(html& out, const page_call& call, const json& sources) {
  auto part = out.in("section", {{"aria-labelledby", "sources"}});
  heading(out, "sources", "Sources");
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& source : sources)
    source_row(out, call, source);
}

void show_brought(html& out, const page_call& call, const json& changes) {
  auto part = out.in("section", {{"aria-labelledby", "brought"}});
  heading(out, "brought", "What they have brought");
  if (changes.empty())
    return nothing_here(out, "Nothing yet.");
  auto box = out.in("div", {{"class", "scroll"}});
  auto table = out.in("table", {{"class", "stack"}});
  {
    auto head = out.in("thead");
    auto row = out.in("tr");
    for (auto name : {"Seen", "Source", "What", "Author", "Title", "Built"})
      out.element("th", {{"scope", "col"}}, name);
  }
  auto body = out.in("tbody");
  for (const auto& change : changes)
    change_row(out, change, call.now);
}

} // namespace

page_answer show_changes(page_call& call) {
  auto query = with("limit", std::to_string(limits::page_list_rows));
  if (auto before = call.asked.parameter("before"))
    query["before"] = *before;
  auto changes = co_await ask_api(call, segments("changes"), query);
  auto sources = co_await ask_api(call, segments("sources"));
  for (const auto* reply : {&changes, &sources})
    if (!reply->ok())
      co_return refused_page(call, *reply);
  page made{call, place::changes, "Changes", "all"};
  auto& out = made.out;
  out.element("h1", "Changes");
  const auto& watched = list(sources.body, "sources");
  const auto& rows = list(changes.body, "changes");
  if (watched.empty() && rows.empty()) {
    nothing_here(out, "No source is watched: this farm builds what is submitted. Sources are named "
                      "in farm.yaml.");
    co_return made.finish();
  }
  if (!watched.empty())
    show_sources(out, call, watched);
  show_brought(out, call, rows);
  pager(out, "/changes", member(changes.body, "next"), {});
  co_return made.finish();
}

} // namespace drover::pages
