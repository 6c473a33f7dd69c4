// The list of builds and one build: the verdict first, then what proves it.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"

namespace drover::pages {

namespace {

void choices(html& out, literal name, std::string_view label, std::string_view chosen,
             std::initializer_list<std::string_view> values) {
  auto field = out.in("label");
  out.text(label);
  auto box = out.in("select", {{"name", name.text()}});
  for (auto value : values)
    out.element("option",
                {{"value", value.empty() ? std::string_view{"any"} : value},
                 {"selected", value == chosen ? "selected" : ""}},
                value.empty() ? std::string_view{"any"} : value);
}

void filter_form(html& out, const std::string& builder, const std::string& state) {
  auto form = out.in("form", {{"method", "get"}, {"action", "/builds"}, {"class", "filter"}});
  {
    auto field = out.in("label");
    out.text("Builder");
    out.single("input", {{"name", "builder"}, {"value", builder}, {"size", "16"}});
  }
  choices(out, "state", "State", state, {"", "running", "waiting", "queued", "finished"});
  out.element("button", {{"type", "submit"}}, "Show");
}

void attempt_rows(html& out, const json& step, const std::string& step_path, wall_time now) {
  auto accepted = word(step, "accepted");
  auto rows = out.in("ol", {{"class", "attempts"}});
  for (const auto& attempt : list(step, "attempts")) {
    auto row = out.in("li");
    auto n = word(attempt, "number");
    out.link(step_path + "?attempt=" + http::percent_encode(n), "attempt " + n);
    mark(out, word(attempt, "state"), word(attempt, "result"));
    host_link(out, word(attempt, "host"));
    span_of(out, attempt, now);
    if (n == accepted)
      out.element("span", {{"class", "quiet"}}, "its result stands");
    if (word(attempt, "role") == "repeats")
      out.element("span", {{"class", "quiet"}}, "prepares the workspace again");
    if (auto reason = word(attempt, "reason"); !reason.empty())
      out.element("span", {{"class", "why"}}, reason);
    if (auto left = word(attempt, "leftovers"); !left.empty())
      out.element("span", {{"class", "why"}}, "left behind: " + left);
  }
}

/// What the attempt that counts has used, as far as its host could tell.
std::string usage_words(const json& step) {
  const auto& attempts = list(step, "attempts");
  if (attempts.empty())
    return "";
  const auto& usage = member(attempts.back(), "usage");
  std::string out;
  if (auto cpu = number(usage, "user_ms") + number(usage, "system_ms"); cpu > 0)
    out = duration_words(cpu) + " of CPU";
  if (auto memory = number(usage, "memory_peak"); memory > 0)
    out += (out.empty() ? "" : ", ") + size_words(static_cast<uint64_t>(memory)) + " of memory";
  return out;
}

/// Where a step's result came from if it was kept, or why it ran although it has a cache.
void cache_words(html& out, const json& step) {
  const auto& attempts = list(step, "attempts");
  if (attempts.empty())
    return;
  const auto& attempt = attempts.back();
  auto note = word(attempt, "cache_note");
  if (note.empty())
    return;
  auto from = word(attempt, "reused_from");
  auto line = out.in("p", {{"class", "quiet"}});
  if (from.empty()) {
    out.text(note);
  } else {
    out.text("reused ");
    out.link(path_of({"builds", from}), note);
  }
}

void show_steps(html& out, const json& build, wall_time now) {
  auto part = out.in("section", {{"aria-labelledby", "steps"}});
  heading(out, "steps", "Steps");
  auto rows = out.in("ol", {{"class", "steps"}});
  for (const auto& step : list(build, "steps")) {
    auto name = word(step, "name");
    auto path = path_of({"builds", word(build, "id"), "steps", name});
    auto row = out.in("li", {{"id", "step-" + name}});
    {
      auto line = out.in("div", {{"class", "line"}});
      mark(out, word(step, "state"), word(step, "result"));
      const auto& attempts = list(step, "attempts");
      if (attempts.empty())
        out.element("span", {{"class", "stepname"}}, name);
      else
        out.link(path, name, "stepname");
      if (!attempts.empty())
        span_of(out, attempts.back(), now);
      if (auto code = number(step, "exit_code"); code > 0)
        out.element("span", {{"class", "quiet"}}, "exit code " + std::to_string(code));
      out.element("span", {{"class", "quiet end"}}, usage_words(step));
    }
    why_not_good(out, step);
    cache_words(out, step);
    const auto& attempts = list(step, "attempts");
    if (attempts.size() > 1 || (!attempts.empty() && !word(attempts[0], "leftovers").empty()))
      attempt_rows(out, step, path, now);
  }
}

void show_facts(html& out, const json& build, wall_time now) {
  auto part = out.in("section", {{"aria-labelledby", "about"}});
  heading(out, "about", "About it");
  auto facts = out.in("dl", {{"class", "facts"}});
  {
    auto pair = out.in("div");
    out.element("dt", "Builder");
    auto value = out.in("dd");
    out.link(path_of({"builders", word(build, "builder")}), word(build, "builder"));
  }
  {
    auto pair = out.in("div");
    out.element("dt", "Host");
    auto value = out.in("dd");
    host_link(out, word(build, "host"));
    if (!word(build, "pinned").empty())
      out.text(" (it must be there)");
  }
  const auto& source = member(build, "source");
  auto words = source_words(source);
  fact(out, "Source", words.empty() ? "none" : words);
  if (auto revision = word(source, "revision"); !revision.empty()) {
    fact(out, "Revision", revision);
    fact(out, "From", word(source, "id"));
  }
  if (auto sha = word(source, "sha256"); !sha.empty())
    fact(out, "SHA-256", sha);
  if (auto campaign = word(build, "campaign"); !campaign.empty()) {
    auto pair = out.in("div");
    out.element("dt", "Campaign");
    auto value = out.in("dd");
    out.link(path_of({"campaigns", campaign}), campaign);
  }
  for (auto [name, label] : {std::pair{"retry_of", "Repeats"},
                             {"opinion_of", "Second opinion on"},
                             {"opinion", "Second opinion"}}) {
    auto other = word(build, name);
    if (other.empty() || other == "0")
      continue;
    auto pair = out.in("div");
    out.element("dt", label);
    auto value = out.in("dd");
    out.link(path_of({"builds", other}), "build " + other);
  }
  if (auto fault = word(build, "fault"); !fault.empty())
    fact(out, "Fault", fault + ": " + word(build, "fault_evidence"));
  if (auto by = word(build, "requested_by"); !by.empty())
    fact(out, "Asked for by", by);
  if (auto because = word(build, "requested_because"); !because.empty())
    fact(out, "Because", because);
  for (auto [name, label] :
       {std::pair{"created_at", "Submitted"}, {"started_at", "Began"}, {"finished_at", "Ended"}}) {
    if (auto when = time_of(build, name)) {
      auto pair = out.in("div");
      out.element("dt", label);
      auto value = out.in("dd");
      out.text(full_time(*when) + ", ");
      ago(out, when, now);
    }
  }
}

void show_params(html& out, const json& build) {
  const auto& params = member(build, "params");
  if (!params.is_object() || params.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "parameters"}});
  heading(out, "parameters", "Parameters");
  auto facts = out.in("dl", {{"class", "facts mono"}});
  for (const auto& [name, value] : params.items())
    fact(out, name, value.is_string() ? value.get<std::string>() : value.dump());
}

void show_artifacts(html& out, const std::string& id, const json& answer) {
  const auto& files = list(answer, "artifacts");
  if (files.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "artifacts"}});
  heading(out, "artifacts", "Artifacts");
  if (member(answer, "dropped") == json(true)) {
    nothing_here(out, std::to_string(files.size()) + " files, " + word(answer, "problem"));
    return;
  }
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& file : files) {
    auto path = word(file, "path");
    std::string address = "/api/v1/builds/" + http::percent_encode(id) + "/artifacts";
    for (size_t at = 0; at <= path.size();) {
      auto end = std::min(path.find('/', at), path.size());
      address += "/" + http::percent_encode(path.substr(at, end - at));
      at = end + 1;
    }
    auto row = out.in("li");
    out.element("a", {{"href", address}, {"download", "download"}}, path);
    auto size = static_cast<uint64_t>(std::max<int64_t>(0, number(file, "size")));
    out.element("span", {{"class", "quiet"}}, size_words(size));
    out.element("code", {{"class", "end digest"}}, word(file, "sha256").substr(0, 16));
  }
}

bool is_listed(const json& tests, const json& test) {
  for (const auto& each : tests)
    if (word(each, "suite") == word(test, "suite") && word(each, "name") == word(test, "name"))
      return true;
  return false;
}

/// The tests of a build, where its steps have any: the bad ones by name, the rest as numbers.
void show_tests(html& out, const json& answer, const std::string& builder) {
  const auto& suites = list(answer, "tests");
  const auto& counts = member(answer, "counts");
  std::string words;
  if (counts.is_object())
    for (const auto& [name, value] : counts.items())
      if (value.is_number_integer() && value != 0)
        words += (words.empty() ? "" : ", ") + value.dump() + " " + plain_words(name);
  if (suites.empty() && words.empty())
    return;
  auto part = out.in("section", {{"aria-labelledby", "tests"}});
  heading(out, "tests", "Tests");
  out.element("p", words);
  auto rows = out.in("ul", {{"class", "rows"}});
  size_t shown = 0;
  for (const auto& test : suites) {
    auto outcome = word(test, "outcome");
    if (tone_of(outcome, "") != literal{"bad"} || shown++ == limits::page_list_rows)
      continue;
    auto row = out.in("li");
    mark(out, outcome, "");
    auto suite = word(test, "suite");
    out.link(test_path(builder, suite, word(test, "name")),
             (suite.empty() ? "" : suite + " ") + word(test, "name"), "stepname");
    if (is_listed(list(answer, "new_failures"), test))
      out.element("span", {{"class", "mark warn"}}, "new");
    out.element("span", {{"class", "why"}}, word(test, "message"));
  }
}

} // namespace

page_answer show_builds(page_call& call) {
  parameters query{{"limit", std::to_string(limits::page_list_rows)}};
  parameters keep;
  for (const auto* name : {"builder", "state", "before"}) {
    auto value = call.asked.parameter(name).value_or("");
    if (value.empty() || value == "any")
      continue;
    query[name] = value;
    if (std::string_view{name} != "before")
      keep[name] = value;
  }
  auto builds = co_await ask_api(call, segments("builds"), query);
  if (!builds.ok())
    co_return refused_page(call, builds);
  page made{call, place::builds, "Builds", "builds"};
  auto& out = made.out;
  out.element("h1", "Builds");
  filter_form(out, keep["builder"], keep["state"]);
  if (list(builds.body, "builds").empty())
    nothing_here(out, "No build is like that.");
  else
    build_table(out, list(builds.body, "builds"), call.now);
  std::erase_if(keep, [](const auto& each) { return each.second.empty(); });
  pager(out, "/builds", member(builds.body, "next"), keep);
  co_return made.finish();
}

page_answer show_build(page_call& call) {
  const auto& id = call.captures[0];
  auto build = co_await ask_api(call, segments("builds", id));
  if (!build.ok())
    co_return refused_page(call, build);
  auto why = co_await ask_api(call, segments("builds", id, "why"));
  auto artifacts = co_await ask_api(call, segments("builds", id, "artifacts"));
  auto tests = co_await ask_api(call, segments("builds", id, "tests"));
  auto title = word(build.body, "builder") + " #" + word(build.body, "id");
  page made{call, place::builds, title, "build=" + word(build.body, "id")};
  auto& out = made.out;
  {
    auto line = out.in("h1");
    out.text(title);
    mark_build(out, build.body);
  }
  auto tone = tone_of(word(build.body, "state"), word(build.body, "result"));
  auto sentence = why.ok() ? word(why.body, "reason") : word(build.body, "reason");
  out.element("p", {{"class", "verdict " + std::string{tone.text()}}}, sentence);
  if (why.ok())
    evidence_list(out, why.body);
  build_orders(out, call, build.body);
  show_steps(out, build.body, call.now);
  if (tests.ok())
    show_tests(out, tests.body, word(build.body, "builder"));
  if (artifacts.ok())
    show_artifacts(out, word(build.body, "id"), artifacts.body);
  show_params(out, build.body);
  show_facts(out, build.body, call.now);
  co_return made.finish();
}

} // namespace drover::pages
