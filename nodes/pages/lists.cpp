// The queue and the journal.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

void queue_row(html& out, const json& build, const api_reply& why, wall_time now) {
  auto row = out.in("li", {{"class", "card"}, {"id", "wait" + word(build, "id")}});
  {
    auto line = out.in("p", {{"class", "cardhead"}});
    build_link(out, build);
    mark_build(out, build);
    auto since = out.in("span", {{"class", "quiet end"}});
    out.text("submitted ");
    ago(out, time_of(build, "created_at"), now);
  }
  if (!why.ok()) {
    out.element("p", {{"class", "reason"}}, word(build, "reason"));
    return;
  }
  out.element("p", {{"class", "reason"}}, word(why.body, "reason"));
  evidence_list(out, why.body);
}

/// What an entry is about, as links.
void event_subject(html& out, const json& event) {
  auto build = word(event, "build");
  if (!build.empty() && build != "0") {
    out.link(path_of({"builds", build}), word(event, "builder") + " #" + build, "build");
    if (auto step = word(event, "step"); !step.empty()) {
      out.text(" ");
      out.link(path_of({"builds", build, "steps", step}), "step " + step, "step");
    }
  } else if (auto campaign = word(event, "campaign"); !campaign.empty() && campaign != "c0") {
    out.link(path_of({"campaigns", campaign}), "campaign " + campaign);
  }
  if (auto host = word(event, "host"); !host.empty()) {
    out.text(" ");
    host_link(out, host);
  }
}

void event_row(html& out, const json& event, wall_time now) {
  auto row = out.in("tr", {{"id", "e" + word(event, "sequence")}});
  {
    auto cell = out.in("td", {{"class", "time"}});
    ago(out, time_of(event, "at"), now);
  }
  out.element("td", plain_words(word(event, "kind")));
  {
    auto cell = out.in("td");
    event_subject(out, event);
  }
  {
    auto cell = out.in("td");
    auto state = word(event, "state");
    auto result = word(event, "result");
    if (!state.empty() || !result.empty())
      mark(out, state, result);
  }
  out.element("td", word(event, "by"));
  out.element("td", {{"class", "why"}}, word(event, "text"));
}

void event_filter(html& out, const parameters& chosen) {
  auto form = out.in("form", {{"method", "get"}, {"action", "/events"}, {"class", "filter"}});
  for (auto [name, label] :
       {std::pair{"host", "Host"}, {"build", "Build"}, {"kind", "Kind"}, {"by", "Who"}}) {
    auto field = out.in("label");
    out.text(label);
    auto found = chosen.find(name);
    out.single("input", {{"name", name},
                         {"value", found == chosen.end() ? std::string{} : found->second},
                         {"size", "12"}});
  }
  out.element("button", {{"type", "submit"}}, "Show");
}

void table_head(html& out, std::initializer_list<std::string_view> names) {
  auto head = out.in("thead");
  auto row = out.in("tr");
  for (auto name : names)
    out.element("th", {{"scope", "col"}}, name);
}

} // namespace

page_answer show_queue(page_call& call) {
  auto rows = std::to_string(limits::page_list_rows);
  auto waiting =
    co_await ask_api(call, segments("builds"), with("state", "waiting", "limit", rows));
  auto queued = co_await ask_api(call, segments("builds"), with("state", "queued", "limit", rows));
  if (!waiting.ok() || !queued.ok())
    co_return refused_page(call, waiting.ok() ? queued : waiting);
  auto all = json::array();
  for (const auto* reply : {&waiting, &queued})
    for (const auto& build : list(reply->body, "builds"))
      all.push_back(build);
  // Who came first stands first.
  std::sort(all.begin(), all.end(),
            [](const json& a, const json& b) { return number(a, "id") < number(b, "id"); });
  std::vector<api_reply> whys;
  for (const auto& build : all) {
    if (whys.size() == limits::page_steps_looked_up)
      break;
    whys.push_back(co_await ask_api(call, segments("builds", word(build, "id"), "why")));
  }
  page made{call, place::queue, "Queue", "all"};
  auto& out = made.out;
  out.element("h1", all.empty() ? "Nothing waits"
                                : count_words(all.size(), "build waits", "builds wait"));
  auto cards = out.in("ol", {{"class", "cards wide"}});
  for (size_t i = 0; i < all.size(); ++i)
    queue_row(out, all[i], i < whys.size() ? whys[i] : api_reply{500, nullptr, ""}, call.now);
  co_return made.finish();
}

page_answer show_events(page_call& call) {
  parameters query = with("tail", std::to_string(limits::page_events));
  parameters chosen;
  for (const auto* name : {"host", "build", "kind", "by", "campaign"}) {
    auto value = call.asked.parameter(name).value_or("");
    if (!value.empty())
      query[name] = chosen[name] = value;
  }
  auto events = co_await ask_api(call, segments("events"), query);
  if (!events.ok())
    co_return refused_page(call, events);
  page made{call, place::events, "Events", "all"};
  auto& out = made.out;
  out.element("h1", "What happened");
  event_filter(out, chosen);
  const auto& rows = list(events.body, "events");
  if (rows.empty())
    nothing_here(out, "The journal has nothing like that.");
  else {
    auto box = out.in("div", {{"class", "scroll"}});
    auto table = out.in("table", {{"class", "stack"}});
    table_head(out, {"When", "What", "Where", "State", "Who", "Why"});
    auto body = out.in("tbody");
    for (auto at = rows.rbegin(); at != rows.rend(); ++at)
      event_row(out, *at, call.now);
  }
  co_return made.finish();
}

} // namespace drover::pages
