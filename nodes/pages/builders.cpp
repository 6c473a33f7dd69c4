// Builders: what each is for, how it went lately, what it takes.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

/// The builds of one builder among those of all, newest first.
json builds_of(const json& builds, const std::string& builder) {
  auto out = json::array();
  for (const auto& build : builds)
    if (word(build, "builder") == builder)
      out.push_back(build);
  return out;
}

json newest(const json& builds, size_t most) {
  auto out = json::array();
  for (const auto& build : builds) {
    if (out.size() == most)
      break;
    out.push_back(build);
  }
  return out;
}

/// "each host" for each_host, and where text says more, that.
std::string where_words(const json& builder) {
  const auto& on = member(builder, "on");
  auto kind = on.is_object() ? word(on, "kind") : word(builder, "on");
  auto requires_text = word(builder, "requires");
  return plain_words(kind) + (requires_text.empty() ? "" : ", where " + requires_text);
}

/// What the farm has of its builders: the configured ones, and those that only builds know.
std::vector<std::string> names_of(const json& configured, const json& builds) {
  std::vector<std::string> out;
  auto add = [&out](const std::string& name) {
    if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(name);
  };
  for (const auto& builder : configured)
    add(word(builder, "name"));
  for (const auto& build : builds)
    add(word(build, "builder"));
  std::sort(out.begin(), out.end());
  return out;
}

/// Of those that are over and say anything about the source.
std::string share_words(const json& builds) {
  size_t good = 0, all = 0;
  for (const auto& build : builds) {
    auto result = word(build, "result");
    if (result.empty() || result == "cancelled" || result == "skipped"
        || !word(build, "opinion_of").empty())
      continue;
    ++all;
    good += is_red(result) ? 0 : 1;
  }
  if (all == 0)
    return "";
  return std::to_string(good) + " of the last " + std::to_string(all) + " were good";
}

/// Half of the good ones took no longer than this.
std::optional<int64_t> usual_ms(const json& builds) {
  std::vector<int64_t> took;
  for (const auto& build : builds) {
    auto began = time_of(build, "started_at");
    auto ended = time_of(build, "finished_at");
    if (began && ended && word(build, "result") == "success")
      took.push_back(ended->ms - began->ms);
  }
  if (took.empty())
    return std::nullopt;
  auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
  std::nth_element(took.begin(), middle, took.end());
  return *middle;
}

void show_recipe(html& out, const json& builder) {
  auto part = out.in("section", {{"aria-labelledby", "recipe"}});
  heading(out, "recipe", "What it does");
  {
    auto facts = out.in("dl", {{"class", "facts"}});
    std::string sources;
    for (const auto& each : sources_of(builder))
      sources += (sources.empty() ? "" : ", ") + each;
    if (!sources.empty())
      fact(out, "Source", sources);
    fact(out, "Runs on", where_words(builder));
  }
  auto steps = out.in("ol", {{"class", "recipe"}});
  for (const auto& step : list(builder, "steps")) {
    auto row = out.in("li");
    out.element("span", {{"class", "stepname"}}, word(step, "name"));
    // A script has lines; each is shown as it stands.
    if (auto script = word(step, "run"); !script.empty())
      text_block(out, script);
  }
}

void show_params(html& out, const json& builder) {
  const auto& params = list(builder, "params");
  if (params.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "params"}});
  heading(out, "params", "Parameters");
  auto facts = out.in("dl", {{"class", "facts"}});
  for (const auto& param : params) {
    auto words = word(param, "about");
    if (auto fallback = word(param, "default"); !fallback.empty())
      words += (words.empty() ? "" : "; ") + ("default " + fallback);
    std::string choices;
    for (const auto& choice : list(param, "choices"))
      choices += (choices.empty() ? "" : ", ")
                 + (choice.is_string() ? choice.get<std::string>() : choice.dump());
    if (!choices.empty())
      words += (words.empty() ? "" : "; ") + ("one of " + choices);
    fact(out, word(param, "name"), words.empty() ? word(param, "kind") : words);
  }
}

} // namespace

std::vector<std::string> sources_of(const json& builder) {
  std::vector<std::string> out;
  if (auto own = word(builder, "source"); !own.empty())
    out.push_back(std::move(own));
  for (const auto& each : list(builder, "more_sources"))
    if (each.is_string())
      out.push_back(each.get<std::string>());
  return out;
}

page_answer show_builders(page_call& call) {
  auto configured = co_await ask_api(call, segments("builders"));
  auto rows = std::to_string(limits::page_red_builds_searched);
  auto builds = co_await ask_api(call, segments("builds"), with("limit", rows));
  if (!builds.ok())
    co_return refused_page(call, builds);
  const auto& all = list(builds.body, "builds");
  auto names = names_of(list(configured.body, "builders"), all);
  page made{call, place::builders, "Builders", "builds"};
  auto& out = made.out;
  out.element("h1", "Builders");
  if (names.empty())
    nothing_here(out, "The configuration has no builders.");
  auto cards = out.in("ul", {{"class", "cards wide"}});
  for (const auto& name : names) {
    auto mine = newest(builds_of(all, name), limits::page_history_builds / 2);
    auto over = builds_of(mine, name);
    auto card = out.in("li", {{"class", "card"}, {"id", "builder-" + name}});
    {
      auto line = out.in("p", {{"class", "cardhead"}});
      out.link(path_of({"builders", name}), name, "build");
      if (!mine.empty())
        mark_build(out, mine.front());
    }
    if (mine.empty()) {
      nothing_here(out, "It has not built anything lately.");
      continue;
    }
    history_strip(out, mine, call.now);
    auto line = out.in("p", {{"class", "quiet"}});
    out.text(share_words(over));
    if (auto usual = usual_ms(over))
      out.text("; usually " + duration_words(*usual));
  }
  co_return made.finish();
}

page_answer show_builder(page_call& call) {
  const auto& name = call.captures[0];
  auto builder = co_await ask_api(call, segments("builders", name));
  auto rows = std::to_string(limits::page_history_builds);
  auto builds = co_await ask_api(call, segments("builds"), with("builder", name, "limit", rows));
  const auto& mine = list(builds.body, "builds");
  if (!builder.ok() && mine.empty())
    co_return refused_page(call, builder);
  page made{call, place::builders, name, "builder=" + name};
  auto& out = made.out;
  {
    auto line = out.in("h1");
    out.text(name);
    if (!mine.empty())
      mark_build(out, mine.front());
  }
  if (!mine.empty()) {
    auto usual = usual_ms(mine);
    out.element("p", {{"class", "lead"}},
                share_words(mine) + (usual ? "; it usually takes " + duration_words(*usual) : ""));
    history_strip(out, mine, call.now);
  } else {
    nothing_here(out, "It has not built anything yet.");
  }
  if (builder.ok()) {
    out.append(co_await force_form(call, builder.body));
    show_recipe(out, builder.body);
    show_params(out, builder.body);
  } else {
    nothing_here(out, "The configuration has no such builder any more.");
  }
  if (!mine.empty()) {
    auto part = out.in("section", {{"aria-labelledby", "last"}});
    heading(out, "last", "Last builds");
    build_table(out, newest(mine, limits::page_front_rows * 2), call.now);
    auto line = out.in("p", {{"class", "more"}});
    out.link("/builds?builder=" + http::percent_encode(name), "All its builds");
  }
  co_return made.finish();
}

} // namespace drover::pages
