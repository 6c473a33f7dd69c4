// One test over the builds of a builder.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"

namespace drover::pages {

namespace {

void show_runs(html& out, const json& runs, wall_time now) {
  auto box = out.in("div", {{"class", "scroll"}});
  auto table = out.in("table", {{"class", "stack"}});
  {
    auto head = out.in("thead");
    auto row = out.in("tr");
    for (auto name : {"Build", "Outcome", "Seconds", "Host", "Source", "When", "Message"})
      out.element("th", {{"scope", "col"}}, name);
  }
  auto body = out.in("tbody");
  for (const auto& run : runs) {
    auto row = out.in("tr");
    {
      auto cell = out.in("td");
      out.link(path_of({"builds", word(run, "build")}), "#" + word(run, "build"), "build");
    }
    {
      auto cell = out.in("td");
      mark(out, word(run, "outcome"), "");
    }
    out.element("td", {{"class", "time"}}, word(run, "seconds"));
    {
      auto cell = out.in("td");
      host_link(out, word(run, "host"));
    }
    out.element("td", {{"class", "source"}}, source_words(member(run, "source")));
    {
      auto cell = out.in("td", {{"class", "time"}});
      ago(out, time_of(run, "at"), now);
    }
    out.element("td", {{"class", "why"}}, word(run, "message"));
  }
}

} // namespace

std::string test_path(const std::string& builder, const std::string& suite,
                      const std::string& name) {
  return path_of({"builders", builder, "tests"}) + "?name=" + http::percent_encode(name)
         + (suite.empty() ? "" : "&suite=" + http::percent_encode(suite));
}

page_answer show_test_story(page_call& call) {
  const auto& builder = call.captures[0];
  parameters query{{"builder", builder}};
  parameters keep;
  for (const auto* name : {"name", "suite", "before"}) {
    auto value = call.asked.parameter(name).value_or("");
    if (value.empty())
      continue;
    query[name] = value;
    if (std::string_view{name} != "before")
      keep[name] = value;
  }
  auto story = co_await ask_api(call, segments("tests"), query);
  if (!story.ok())
    co_return refused_page(call, story);
  auto suite = word(story.body, "suite");
  auto title = (suite.empty() ? "" : suite + " ") + word(story.body, "name");
  page made{call, place::builders, title, "builder=" + builder};
  auto& out = made.out;
  out.element("h1", title);
  {
    auto line = out.in("p", {{"class", "lead"}});
    out.text(word(story.body, "text") + "; " + word(story.body, "looked_at") + " builds of ");
    out.link(path_of({"builders", builder}), builder);
    out.text(" were looked at");
  }
  if (list(story.body, "runs").empty())
    nothing_here(out, "It is not named in the tests of these builds.");
  else
    show_runs(out, list(story.body, "runs"), call.now);
  pager(out, path_of({"builders", builder, "tests"}), member(story.body, "next"), keep);
  co_return made.finish();
}

} // namespace drover::pages
