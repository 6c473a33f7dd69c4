// Hosts, one host, and the tree of actors on all of them.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

#include <map>
#include <set>

namespace drover::pages {

namespace {

void show_hold(html& out, const json& host, wall_time now) {
  const auto& hold = member(host, "hold");
  if (!hold.is_object())
    return;
  auto line = out.in("p", {{"class", "why"}});
  out.text("Held by " + word(hold, "by") + " (" + word(hold, "kind") + "): " + word(hold, "reason")
           + ", ");
  ago(out, time_of(hold, "since"), now);
  if (auto until = time_of(hold, "until"))
    out.text(", until " + full_time(*until));
}

void host_row(html& out, const json& host, wall_time now) {
  auto name = word(host, "name");
  auto row = out.in("tr", {{"id", "host-" + name}});
  {
    auto cell = out.in("th", {{"scope", "row"}});
    host_link(out, name);
  }
  {
    auto cell = out.in("td");
    mark(out, word(host, "state"), "");
    if (word(host, "stage") == "probation")
      mark(out, "probation", "");
  }
  const auto& slots = member(host, "slots");
  out.element("td", word(slots, "used") + " of " + word(slots, "total") + " slots");
  const auto& facts = member(host, "facts");
  out.element("td", word(facts, "os") + " " + word(facts, "arch"));
  {
    auto cell = out.in("td", {{"class", "time"}});
    // Between two beats it is not silent; what is shown counts on until the page is made again.
    auto silence = number(host, "last_seen_ms", -1);
    if (silence >= 0 && silence < limits::page_silence_told / milliseconds{1})
      out.text("now");
    else
      ago(out, silence < 0 ? time_of(host, "last_seen_at") : wall_time{now.ms - silence}, now);
  }
  {
    auto cell = out.in("td");
    auto restarts = number(host, "restarts");
    if (restarts > 0)
      out.text(count_words(static_cast<size_t>(restarts), "restart", "restarts"));
  }
  out.element("td", {{"class", "why"}}, word(host, "reason"));
}

void show_work(html& out, const json& host, const std::map<std::string, json>& builds) {
  const auto& attempts = list(host, "attempts");
  auto part = out.in("section", {{"aria-labelledby", "work"}});
  heading(out, "work", "What it does");
  if (attempts.empty())
    return nothing_here(out, "It has no work.");
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& attempt : attempts) {
    auto id = word(attempt, "build");
    auto row = out.in("li", {{"id", "work" + id + "-" + word(attempt, "step")}});
    auto found = builds.find(id);
    if (found == builds.end()) {
      out.link(path_of({"builds", id}), "build " + id);
      continue;
    }
    mark_build(out, found->second);
    build_link(out, found->second);
    const auto& steps = list(found->second, "steps");
    auto index = static_cast<size_t>(std::max<int64_t>(0, number(attempt, "step")));
    if (index < steps.size()) {
      auto step = word(steps[index], "name");
      out.link(path_of({"builds", id, "steps", step}), "step " + step, "step");
    }
    out.element("span", {{"class", "quiet"}}, "attempt " + word(attempt, "attempt"));
  }
}

void show_map(html& out, literal id, std::string_view title, const json& values) {
  if (!values.is_object() || values.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", id.text()}});
  heading(out, id, title);
  auto facts = out.in("dl", {{"class", "facts mono"}});
  for (const auto& [name, value] : values.items()) {
    auto words = value.is_string() ? value.get<std::string>() : value.dump();
    auto is_size = (name == "ram" || name == "disk") && !words.empty() && words.size() < 19
                   && words.find_first_not_of("0123456789") == std::string::npos;
    fact(out, name, is_size ? size_words(std::stoull(words)) : words);
  }
}

/// Actors of one node below one of them, deep as they stand; each once, whatever they claim.
struct actor_forest {
  std::multimap<std::string, const json*> below; ///< node and parent -> actor
  std::set<const json*> written;

  void write(html& out, const std::string& node, const std::string& parent) {
    auto [from, to] = below.equal_range(node + "\n" + parent);
    if (from == to)
      return;
    auto rows = out.in("ul", {{"class", "tree"}});
    for (auto at = from; at != to; ++at) {
      if (!written.insert(at->second).second)
        continue;
      const auto& actor = *at->second;
      auto name = word(actor, "name");
      auto row = out.in("li", {{"id", "actor-" + node + "-" + name}});
      {
        auto line = out.in("div", {{"class", "line"}});
        out.element("span", {{"class", "stepname"}}, name);
        if (word(actor, "kind") != name)
          out.element("span", {{"class", "quiet"}}, word(actor, "kind"));
        out.element("span", {{"class", "state"}}, word(actor, "state"));
        if (auto restarts = number(actor, "restarts"); restarts > 0)
          out.element("span", {{"class", "mark warn"}},
                      count_words(static_cast<size_t>(restarts), "restart", "restarts"));
        out.element("span", {{"class", "quiet end"}},
                    "up " + duration_words(number(actor, "uptime_ms")));
      }
      if (auto activity = word(actor, "activity"); !activity.empty())
        out.element("p", {{"class", "why"}}, activity);
      write(out, node, name);
    }
  }
};

} // namespace

page_answer show_hosts(page_call& call) {
  auto hosts = co_await ask_api(call, segments("hosts"));
  if (!hosts.ok())
    co_return refused_page(call, hosts);
  page made{call, place::hosts, "Hosts", "hosts"};
  auto& out = made.out;
  out.element("h1", "Hosts");
  const auto& rows = list(hosts.body, "hosts");
  if (rows.empty())
    nothing_here(out, "No host has joined yet.");
  else {
    auto box = out.in("div", {{"class", "scroll"}});
    auto table = out.in("table", {{"class", "stack"}});
    {
      auto head = out.in("thead");
      auto row = out.in("tr");
      for (auto name : {"Host", "State", "In use", "System", "Heard of", "Restarts", "Why"})
        out.element("th", {{"scope", "col"}}, name);
    }
    auto body = out.in("tbody");
    for (const auto& host : rows)
      host_row(out, host, call.now);
  }
  co_return made.finish();
}

page_answer show_host(page_call& call) {
  const auto& name = call.captures[0];
  auto host = co_await ask_api(call, segments("hosts", name));
  if (!host.ok())
    co_return refused_page(call, host);
  auto why = co_await ask_api(call, segments("hosts", name, "why"));
  std::map<std::string, json> builds;
  for (const auto& attempt : list(host.body, "attempts")) {
    auto id = word(attempt, "build");
    if (builds.size() == limits::page_steps_looked_up || builds.count(id) > 0)
      continue;
    auto build = co_await ask_api(call, segments("builds", id));
    if (build.ok())
      builds[id] = std::move(build.body);
  }
  auto rows = std::to_string(limits::page_red_builds_searched);
  auto recent = co_await ask_api(call, segments("builds"), with("limit", rows));
  auto here = json::array();
  for (const auto& build : list(recent.body, "builds"))
    if (word(build, "host") == name && here.size() < limits::page_history_builds)
      here.push_back(build);
  page made{call, place::hosts, name, "host=" + name};
  auto& out = made.out;
  auto state = word(host.body, "state");
  {
    auto line = out.in("h1");
    out.text(name);
    mark(out, state, "");
    if (word(host.body, "stage") == "probation")
      mark(out, "probation", "");
  }
  out.element("p", {{"class", "verdict " + std::string{tone_of(state, "").text()}}},
              why.ok() ? word(why.body, "reason") : word(host.body, "reason"));
  show_hold(out, host.body, call.now);
  if (why.ok())
    evidence_list(out, why.body);
  host_orders(out, call, host.body);
  show_work(out, host.body, builds);
  if (!here.empty()) {
    auto part = out.in("section", {{"aria-labelledby", "history"}});
    heading(out, "history", "Last builds here");
    history_strip(out, here, call.now);
  }
  show_map(out, "facts", "Facts", member(host.body, "facts"));
  show_map(out, "labels", "Labels", member(host.body, "labels"));
  {
    auto line = out.in("p", {{"class", "more"}});
    out.link("/events?host=" + http::percent_encode(name), "What the journal says of it");
  }
  co_return made.finish();
}

page_answer show_actors(page_call& call) {
  auto actors = co_await ask_api(call, segments("actors"));
  if (!actors.ok())
    co_return refused_page(call, actors);
  page made{call, place::actors, "Actors", "hosts"};
  auto& out = made.out;
  out.element("h1", "Actors");
  out.element("p", {{"class", "lead"}},
              "Everything that works in this farm, who watches whom, "
              "and what each did last.");
  const auto& all = list(actors.body, "actors");
  actor_forest forest;
  std::vector<std::string> nodes;
  std::set<std::string> known;
  for (const auto& actor : all)
    known.insert(word(actor, "node") + "\n" + word(actor, "name"));
  for (const auto& actor : all) {
    auto node = word(actor, "node");
    auto parent = word(actor, "parent");
    // One whose parent is not in the list is shown at the top, not left out.
    if (known.count(node + "\n" + parent) == 0)
      parent.clear();
    forest.below.emplace(node + "\n" + parent, &actor);
    if (nodes.empty() || nodes.back() != node)
      nodes.push_back(node);
  }
  std::set<std::string> done;
  for (const auto& node : nodes) {
    if (!done.insert(node).second)
      continue;
    auto part = out.in("section", {{"id", "node-" + node}});
    out.element("h2", node);
    forest.write(out, node, "");
  }
  co_return made.finish();
}

} // namespace drover::pages
