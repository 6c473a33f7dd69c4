// The front page: what is red and why, what runs, what waits and for what, the hosts.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drover::pages {

namespace {

struct front_view {
  json red = json::array(); ///< the newest finished build of a builder, if it is bad
  json running = json::array();
  json waiting = json::array();
  json recent = json::array();
  size_t sick_hosts = 0;
  size_t held_hosts = 0; ///< drained or paused by somebody
  size_t builders = 0;   ///< that have finished anything lately
};

/// What a builder did last, on each host that it is made for: what came before is over.
void sort_finished(const json& builds, front_view& out) {
  std::set<std::string> judged;
  std::set<std::string> builders;
  for (const auto& build : builds) {
    auto result = word(build, "result");
    if (out.recent.size() < limits::page_front_rows)
      out.recent.push_back(build);
    // A second opinion is told with the build that it judges.
    if (result == "cancelled" || result == "skipped" || !word(build, "opinion_of").empty())
      continue;
    builders.insert(word(build, "builder"));
    auto key = word(build, "builder") + " " + word(build, "pinned");
    if (!judged.insert(key).second)
      continue;
    if (is_red(result))
      out.red.push_back(build);
  }
  out.builders = builders.size();
}

/// The red ones by name as long as they are few: "broken and big are red".
std::string red_words(const json& red) {
  std::vector<std::string> names;
  for (const auto& build : red)
    if (auto name = word(build, "builder");
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  if (names.size() > limits::page_names_told)
    return std::to_string(names.size()) + " builders are red";
  std::string out;
  for (size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return out + (names.size() == 1 ? " is red" : " are red");
}

std::string verdict(const front_view& seen, const json& hosts) {
  std::string out;
  if (seen.red.empty())
    out = seen.builders == 0 ? "Nothing has been built yet" : "Everything that was built is good";
  else
    out = red_words(seen.red);
  if (hosts.empty())
    return out + ", and no host is here";
  if (seen.sick_hosts > 0)
    return out + ", and "
           + (seen.sick_hosts == 1 ? "one host is" : std::to_string(seen.sick_hosts) + " hosts are")
           + " not well";
  if (seen.held_hosts > 0)
    return out + "; "
           + (seen.held_hosts == 1 ? "one host is" : std::to_string(seen.held_hosts) + " hosts are")
           + " kept from new work";
  return out;
}

void show_red(html& out, const front_view& seen, wall_time now) {
  if (seen.red.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "red"}});
  heading(out, "red", "What is red");
  auto rows = out.in("ul", {{"class", "cards"}});
  size_t shown = 0;
  for (const auto& build : seen.red) {
    if (shown++ == 2 * limits::page_front_rows)
      break;
    auto card = out.in("li", {{"class", "card bad"}, {"id", "red" + word(build, "id")}});
    {
      auto line = out.in("p", {{"class", "cardhead"}});
      build_link(out, build);
      mark_build(out, build);
    }
    auto reason = word(build, "reason");
    out.element("p", {{"class", "reason"}}, reason.empty() ? "no reason is known" : reason);
    auto foot = out.in("p", {{"class", "quiet"}});
    auto source = source_words(member(build, "source"));
    out.text(source.empty() ? "on " : source + " on ");
    host_link(out, word(build, "host"));
    out.text(", ");
    ago(out, time_of(build, "finished_at"), now);
  }
}

/// The step that runs, or the last one that ended.
const json* present_step(const json& build) {
  const json* last = nullptr;
  for (const auto& step : list(build, "steps")) {
    if (word(step, "state") == "running" || word(step, "state") == "waiting")
      return &step;
    if (word(step, "state") == "finished")
      last = &step;
  }
  return last;
}

void show_running(html& out, const json& builds, wall_time now) {
  auto part = out.in("section", {{"aria-labelledby", "running"}});
  heading(out, "running", "What runs");
  if (builds.empty())
    return nothing_here(out, "Nothing runs.");
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& build : builds) {
    auto row = out.in("li", {{"id", "run" + word(build, "id")}});
    mark_build(out, build);
    build_link(out, build);
    if (const auto* step = present_step(build)) {
      auto name = word(*step, "name");
      out.link(path_of({"builds", word(build, "id"), "steps", name}), "step " + name, "step");
    }
    out.text("on ");
    host_link(out, word(build, "host"));
    auto time = out.in("span", {{"class", "end"}});
    span_of(out, build, now);
  }
}

void show_waiting(html& out, const json& builds) {
  auto part = out.in("section", {{"aria-labelledby", "waiting"}});
  heading(out, "waiting", "What waits, and why");
  if (builds.empty())
    return nothing_here(out, "Nothing waits.");
  {
    auto rows = out.in("ul", {{"class", "rows"}});
    size_t shown = 0;
    for (const auto& build : builds) {
      if (shown++ == limits::page_front_rows)
        break;
      auto row = out.in("li", {{"id", "wait" + word(build, "id")}});
      mark_build(out, build);
      build_link(out, build);
      auto reason = word(build, "reason");
      out.element("span", {{"class", "why"}},
                  reason.empty() ? "it starts as soon as a slot is free" : reason);
    }
  }
  auto line = out.in("p", {{"class", "more"}});
  out.link("/queue", "The whole queue, with what each one misses");
}

void show_hosts_part(html& out, const json& hosts) {
  auto part = out.in("section", {{"aria-labelledby", "hosts"}});
  heading(out, "hosts", "Hosts");
  if (hosts.empty())
    return nothing_here(out, "No host has joined yet.");
  auto rows = out.in("ul", {{"class", "tiles"}});
  for (const auto& host : hosts) {
    auto name = word(host, "name");
    auto state = word(host, "state");
    auto tile = out.in(
      "li", {{"class", "tile " + std::string{tone_of(state, "").text()}}, {"id", "host-" + name}});
    {
      auto line = out.in("p", {{"class", "cardhead"}});
      host_link(out, name);
      mark(out, state, "");
    }
    const auto& slots = member(host, "slots");
    out.element("p", {{"class", "quiet"}},
                word(slots, "used") + " of " + word(slots, "total") + " slots in use");
    if (auto reason = word(host, "reason"); !reason.empty())
      out.element("p", {{"class", "reason"}}, reason);
  }
}

void show_campaigns_part(html& out, const json& campaigns, wall_time now) {
  if (campaigns.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "campaigns"}});
  heading(out, "campaigns", "Last campaigns");
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& campaign : campaigns) {
    auto id = word(campaign, "id");
    auto row = out.in("li", {{"id", "campaign-" + id}});
    mark(out, word(campaign, "state"), word(campaign, "result"));
    out.link(path_of({"campaigns", id}), id + " " + source_words(member(campaign, "source")));
    out.element("span", {{"class", "quiet"}},
                word(campaign, "finished") + " of " + word(campaign, "cells") + " cells are over");
    auto time = out.in("span", {{"class", "end"}});
    ago(out, time_of(campaign, "created_at"), now);
  }
}

/// Running builds with their steps; what can't be read now stays as the list had it.
asio::awaitable<json> with_steps(const page_call& call, json builds) {
  size_t looked = 0;
  for (auto& build : builds) {
    if (looked++ == limits::page_steps_looked_up)
      break;
    auto file = co_await ask_api(call, segments("builds", word(build, "id")));
    if (file.ok())
      build = std::move(file.body);
  }
  co_return builds;
}

/// The same with the whole sentence, which names the first error; for the first few.
asio::awaitable<json> with_causes(const page_call& call, json builds) {
  size_t looked = 0;
  for (auto& build : builds) {
    if (looked++ == limits::page_causes_looked_up)
      break;
    auto why = co_await ask_api(call, segments("builds", word(build, "id"), "why"));
    auto sentence = word(why.body, "reason");
    auto subject = "build " + word(build, "id") + " of " + word(build, "builder") + " ";
    if (!why.ok() || sentence.substr(0, subject.size()) != subject)
      continue;
    // Its subject stands above it, its result beside that.
    auto colon = sentence.find(": ");
    build["reason"] =
      colon == std::string::npos ? sentence.substr(subject.size()) : sentence.substr(colon + 2);
  }
  co_return builds;
}

/// What the farm can't do by itself: sources that can't be read, notices that did not arrive
/// lately.
asio::awaitable<json> troubles_of(const page_call& call) {
  auto sources = co_await ask_api(call, segments("sources"));
  auto rows = std::to_string(limits::page_list_rows);
  auto notices = co_await ask_api(call, segments("notices"), with("limit", rows));
  auto out = json::array();
  for (const auto& source : list(sources.body, "sources"))
    if (auto problem = word(source, "last_error"); !problem.empty())
      out.push_back({{"id", "source-" + word(source, "name")},
                     {"path", "/changes"},
                     {"what", "source " + word(source, "name") + " can't be read"},
                     {"why", problem}});
  std::map<std::string, std::pair<size_t, std::string>> pending; ///< by reporter and what happened
  for (const auto& notice : list(notices.body, "notices")) {
    auto ended = time_of(notice, "done_at");
    auto problem = word(notice, "last_error");
    bool failed = word(notice, "state") == "failed" && ended
                  && call.now.ms - ended->ms < limits::page_trouble_age / milliseconds{1};
    bool stuck = word(notice, "state") == "waiting" && !problem.empty();
    if (!failed && !stuck)
      continue;
    auto& [count, newest] = pending[word(notice, "reporter") + (failed ? " failed" : " waits")];
    if (count++ == 0)
      newest = problem;
  }
  for (const auto& [what, story] : pending)
    out.push_back(
      {{"id", "notices-" + what.substr(0, what.find(' '))},
       {"path", "/notices"},
       {"what", what.ends_with(" failed") ? count_words(story.first, "notice", "notices") + " by "
                                              + what.substr(0, what.find(' ')) + " did not arrive"
                                          : count_words(story.first, "notice waits", "notices wait")
                                              + " for " + what.substr(0, what.find(' '))},
       {"why", story.second}});
  co_return out;
}

void show_troubles(html& out, const json& troubles) {
  if (troubles.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "troubles"}});
  heading(out, "troubles", "What needs somebody");
  auto rows = out.in("ul", {{"class", "rows"}});
  size_t shown = 0;
  for (const auto& each : troubles) {
    if (shown++ == limits::page_front_rows)
      break;
    auto row = out.in("li", {{"id", "trouble-" + word(each, "id")}});
    out.link(word(each, "path"), word(each, "what"));
    out.element("span", {{"class", "why"}}, word(each, "why"));
  }
}

void show_recent(html& out, const json& builds, wall_time now) {
  if (builds.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "recent"}});
  heading(out, "recent", "What ended last");
  build_table(out, builds, now);
}

} // namespace

page_answer show_front(page_call& call) {
  auto rows = std::to_string(limits::page_red_builds_searched);
  auto finished =
    co_await ask_api(call, segments("builds"), with("state", "finished", "limit", rows));
  auto running =
    co_await ask_api(call, segments("builds"), with("state", "running", "limit", "50"));
  auto queued = co_await ask_api(call, segments("builds"), with("state", "queued", "limit", "50"));
  auto waiting =
    co_await ask_api(call, segments("builds"), with("state", "waiting", "limit", "50"));
  auto hosts = co_await ask_api(call, segments("hosts"));
  auto campaigns = co_await ask_api(call, segments("campaigns"), with("limit", "5"));
  for (const auto* reply : {&finished, &running, &queued, &waiting, &hosts, &campaigns})
    if (!reply->ok())
      co_return refused_page(call, *reply);
  front_view seen;
  sort_finished(list(finished.body, "builds"), seen);
  seen.red = co_await with_causes(call, std::move(seen.red));
  seen.running = co_await with_steps(call, list(running.body, "builds"));
  for (const auto* reply : {&waiting, &queued})
    for (const auto& build : list(reply->body, "builds"))
      seen.waiting.push_back(build);
  auto troubles = co_await troubles_of(call);
  const auto& herd = list(hosts.body, "hosts");
  for (const auto& host : herd) {
    auto state = word(host, "state");
    bool is_held = state == "draining" || state == "paused";
    seen.held_hosts += is_held ? 1 : 0;
    seen.sick_hosts += !is_held && (is_red(state) || state == "suspect") ? 1 : 0;
  }
  page made{call, place::front, "Front", "all"};
  auto& out = made.out;
  auto tone = !seen.red.empty()     ? "verdict bad"
              : seen.sick_hosts > 0 ? "verdict warn"
                                    : "verdict good";
  out.element("h1", {{"class", tone}}, verdict(seen, herd));
  show_red(out, seen, call.now);
  {
    auto halves = out.in("div", {{"class", "halves"}});
    show_running(out, seen.running, call.now);
    show_waiting(out, seen.waiting);
  }
  show_hosts_part(out, herd);
  show_troubles(out, troubles);
  show_campaigns_part(out, list(campaigns.body, "campaigns"), call.now);
  show_recent(out, seen.recent, call.now);
  co_return made.finish();
}

} // namespace drover::pages
