// Pieces that many pages have: marks, times, links, tables of builds.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

/// A shape for each tone, so that nothing depends on colour; words stand beside it.
literal shape_of(literal tone, const std::string& what) {
  if (what == "timeout")
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"8\" "
           "cy=\"8\" "
           "r=\"5.5\"/><path d=\"M8 4.8V8l2.2 1.6\"/></svg>";
  if (tone == literal{"good"})
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3 8.6l3.2 "
           "3.2L13 4.8\"/></svg>";
  if (tone == literal{"bad"})
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M4 4l8 8M12 "
           "4l-8 8\"/></svg>";
  if (tone == literal{"warn"})
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M8 2.2 14.4 "
           "13.4H1.6zM8 6.4v3.2m0 1.7v.2\"/></svg>";
  if (tone == literal{"busy"})
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path class=\"fill\" "
           "d=\"M5 3.2v9.6L13 8z\"/></svg>";
  if (tone == literal{"idle"})
    return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M4 8h.1M8 "
           "8h.1M12 8h.1\"/></svg>";
  return "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3.5 "
         "8h9\"/></svg>";
}

struct toned {
  std::string_view name;
  literal tone;
};
constexpr toned tones[] = {
  {"success", "good"},  {"warnings", "warn"},  {"failure", "bad"},   {"exception", "bad"},
  {"host_lost", "bad"}, {"timeout", "bad"},    {"cancelled", "off"}, {"skipped", "off"},
  {"running", "busy"},  {"granted", "busy"},   {"queued", "idle"},   {"waiting", "idle"},
  {"pending", "idle"},  {"up", "good"},        {"joining", "idle"},  {"suspect", "warn"},
  {"lost", "bad"},      {"draining", "warn"},  {"paused", "warn"},   {"quarantined", "bad"},
  {"passed", "good"},   {"failed", "bad"},     {"error", "bad"},     {"delivered", "good"},
  {"retired", "off"},   {"probation", "warn"},
};

} // namespace

literal tone_of(const std::string& state, const std::string& result) {
  const auto& what = result.empty() ? state : result;
  for (const auto& each : tones)
    if (each.name == what)
      return each.tone;
  return "off";
}

bool is_red(const std::string& result) {
  return tone_of("", result) == literal{"bad"};
}

void mark(html& out, const std::string& state, const std::string& result) {
  const auto& what = result.empty() ? state : result;
  auto tone = tone_of(state, result);
  auto badge = out.in("span", {{"class", "mark " + std::string{tone.text()}}});
  out.ours(shape_of(tone, what));
  out.text(plain_words(what));
}

void mark_build(html& out, const json& build) {
  mark(out, word(build, "state"), word(build, "result"));
}

void ago(html& out, std::optional<wall_time> when, wall_time now) {
  if (!when) {
    out.element("span", {{"class", "quiet"}}, "not yet");
    return;
  }
  out.element("time",
              {{"datetime", to_string(*when)}, {"title", full_time(*when)}, {"data-words", "ago"}},
              ago_words(*when, now));
}

void span_of(html& out, const json& what, wall_time now) {
  auto start = time_of(what, "started_at");
  auto end = time_of(what, "finished_at");
  if (!start)
    return;
  if (end)
    out.element("span", {{"title", "began " + full_time(*start)}},
                duration_words(end->ms - start->ms));
  else
    out.element("time",
                {{"datetime", to_string(*start)},
                 {"title", "began " + full_time(*start)},
                 {"data-words", "since"}},
                duration_words(now.ms - start->ms));
}

void build_link(html& out, const json& build) {
  auto link = out.in("a", {{"class", "build"}, {"href", build_path(build)}});
  out.text(word(build, "builder"));
  out.element("span", {{"class", "number"}}, " #" + word(build, "id"));
}

void host_link(html& out, const std::string& host) {
  if (host.empty())
    out.element("span", {{"class", "quiet"}}, "no host yet");
  else
    out.link(path_of({"hosts", host}), host);
}

std::string source_words(const json& source) {
  auto id = word(source, "id");
  auto revision = word(source, "revision");
  if (id.empty() && revision.empty())
    return "";
  if (revision.empty())
    return id;
  // A repository by its name; where it is, the page of its build says.
  auto end = id.find_last_not_of('/');
  auto begin = end == std::string::npos ? end : id.find_last_of("/:", end);
  auto name = end == std::string::npos ? id : id.substr(0, end + 1);
  if (begin != std::string::npos)
    name.erase(0, begin + 1);
  return name + " at " + revision.substr(0, 12);
}

void why_not_good(html& out, const json& what) {
  auto reason = word(what, "reason");
  if (word(what, "result") != "success" && !reason.empty()
      && reason != "exit code " + word(what, "exit_code"))
    out.element("p", {{"class", "why"}}, reason);
}

void heading(html& out, literal id, std::string_view text) {
  out.element("h2", {{"id", id.text()}}, text);
}

void nothing_here(html& out, std::string_view sentence) {
  out.element("p", {{"class", "nothing"}}, sentence);
}

void fact(html& out, std::string_view name, std::string_view value) {
  auto pair = out.in("div");
  out.element("dt", name);
  out.element("dd", value);
}

void evidence_list(html& out, const json& why) {
  const auto& lines = list(why, "evidence");
  if (lines.empty())
    return;
  auto rows = out.in("ul", {{"class", "evidence"}});
  for (const auto& line : lines)
    out.element("li", line.is_string() ? line.get<std::string>() : line.dump());
}

void text_block(html& out, std::string_view lines) {
  auto box = out.in("pre", {{"tabindex", "0"}});
  for (size_t at = 0; at < lines.size();) {
    auto end = std::min(lines.find('\n', at), lines.size());
    out.text(lines.substr(at, end - at));
    out.ours("\n");
    at = end + 1;
  }
}

void build_table(html& out, const json& builds, wall_time now) {
  auto box = out.in("div", {{"class", "scroll"}});
  auto table = out.in("table", {{"class", "stack"}});
  {
    auto head = out.in("thead");
    auto row = out.in("tr");
    for (auto name : {"Build", "State", "Host", "Source", "Took", "When", "Why"})
      out.element("th", {{"scope", "col"}}, name);
  }
  auto body = out.in("tbody");
  for (const auto& build : builds) {
    auto row = out.in("tr", {{"id", "b" + word(build, "id")}});
    {
      auto cell = out.in("td");
      build_link(out, build);
    }
    {
      auto cell = out.in("td");
      mark_build(out, build);
    }
    {
      auto cell = out.in("td");
      host_link(out, word(build, "host"));
    }
    out.element("td", {{"class", "source"}}, source_words(member(build, "source")));
    {
      auto cell = out.in("td", {{"class", "time"}});
      span_of(out, build, now);
    }
    {
      auto cell = out.in("td", {{"class", "time"}});
      auto ended = time_of(build, "finished_at");
      ago(out, ended ? ended : time_of(build, "created_at"), now);
    }
    auto fault = word(build, "fault");
    out.element("td", {{"class", "why"}},
                word(build, "reason") + (fault.empty() ? "" : " (fault: " + fault + ")"));
  }
}

void history_strip(html& out, const json& builds, wall_time now) {
  std::vector<const json*> rows;
  for (const auto& build : builds)
    rows.push_back(&build);
  std::reverse(rows.begin(), rows.end());
  auto strip = out.in("ol", {{"class", "strip"}, {"aria-label", "Builds, oldest first"}});
  for (const auto* build : rows) {
    auto item = out.in("li", {{"id", "s" + word(*build, "id")}});
    auto state = word(*build, "state");
    auto result = word(*build, "result");
    auto what = plain_words(result.empty() ? state : result);
    auto ended = time_of(*build, "finished_at");
    auto words = word(*build, "builder") + " #" + word(*build, "id") + ": " + what
                 + (ended ? ", " + ago_words(*ended, now) : "");
    auto tone = tone_of(state, result);
    auto link = out.in("a", {{"class", "cell " + std::string{tone.text()}},
                             {"href", build_path(*build)},
                             {"title", words},
                             {"aria-label", words}});
    out.ours(shape_of(tone, result.empty() ? state : result));
  }
}

void pager(html& out, std::string_view path, const json& next, parameters keep) {
  if (next.is_null())
    return;
  keep["before"] = next.is_string() ? next.get<std::string>() : next.dump();
  std::string address{path};
  char before = '?';
  for (const auto& [name, value] : keep) {
    address += before + http::percent_encode(name) + "=" + http::percent_encode(value);
    before = '&';
  }
  auto line = out.in("p", {{"class", "pager"}});
  out.link(address, "Older ones");
}

} // namespace drover::pages
