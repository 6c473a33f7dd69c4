// builds, build, why.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

/// Of what an attempt has used; empty where its host could not tell.
std::string cpu_used(const json& attempt) {
  auto usage = field_object(attempt, "usage");
  auto ms = field_number(usage, "user_ms", 0) + field_number(usage, "system_ms", 0);
  return ms <= 0 ? "" : duration_text(ms);
}

std::string memory_used(const json& attempt) {
  auto peak = field_number(field_object(attempt, "usage"), "memory_peak", 0);
  return peak <= 0 ? "" : size_text(static_cast<uint64_t>(peak));
}

/// The reason, and whose fault it was where that is known.
std::string reason_text(const json& build) {
  auto fault = field_text(build, "fault", "");
  return field_text(build, "reason", "") + (fault.empty() ? "" : " (fault: " + fault + ")");
}

std::string render_builds(const json& answer, const screen& out) {
  table rows{{"ID", "BUILDER", "RESULT", "HOST", "SOURCE", "CREATED", "TOOK", "REASON"}};
  for (const auto& build : field_list(answer, "builds"))
    rows.add({field_text(build, "id", "-"), field_text(build, "builder", "-"), verdict_cell(build),
              field_text(build, "host", "-"), field_text(field_object(build, "source"), "id", "-"),
              when_text(build, "created_at", out), took_text(build, out), reason_text(build)});
  return rows.empty() ? "no builds; `drover submit BUILDER` makes one\n"
                      : rows.text(out.colours, out.width);
}

/// Why it ended as it did; of a step with a cache also where its result is from, or why it ran.
std::string attempt_reason(const json& attempt) {
  auto reason = field_text(attempt, "reason", "");
  auto note = field_text(attempt, "cache_note", "");
  if (field_number(attempt, "reused_from", 0) > 0)
    note = "reused " + note;
  return reason + (reason.empty() || note.empty() ? "" : "; ") + note;
}

std::string steps_table(const json& build, const screen& out) {
  table rows{{"STEP", "RESULT", "EXIT", "ATTEMPT", "HOST", "TOOK", "CPU", "MEMORY", "REASON"}};
  for (const auto& step : field_list(build, "steps")) {
    auto attempts = field_list(step, "attempts");
    if (attempts.empty())
      rows.add({field_text(step, "name", "-"), verdict_cell(step),
                field_text(step, "exit_code", ""), "", "", "", "", "",
                field_text(step, "reason", "")});
    for (const auto& attempt : attempts)
      rows.add({field_text(step, "name", "-"), verdict_cell(attempt),
                field_text(attempt, "exit_code", ""), field_text(attempt, "number", ""),
                field_text(attempt, "host", ""), took_text(attempt, out), cpu_used(attempt),
                memory_used(attempt), attempt_reason(attempt)});
  }
  return rows.empty() ? "" : "\n" + rows.text(out.colours, out.width);
}

std::string render_build(const json& build, const screen& out) {
  auto source = field_object(build, "source");
  auto verdict = verdict_cell(build);
  auto text = "build " + field_text(build, "id", "?") + " of "
              + printable(field_text(build, "builder", "?"), 80) + ": "
              + paint(printable(verdict.text, 80), verdict.shade, out.colours) + "\n";
  fact_sheet facts{9, out};
  facts.add("reason", field_text(build, "reason", ""));
  facts.add("source", field_text(source, "id", ""));
  facts.add("revision", field_text(source, "revision", ""));
  facts.add("sha256", field_text(source, "sha256", ""));
  facts.add("campaign", field_text(build, "campaign", ""));
  facts.add("retry of", field_text(build, "retry_of", ""));
  facts.add("opinion on", field_text(build, "opinion_of", ""));
  facts.add("opinion", field_text(build, "opinion", ""));
  facts.add("fault", field_text(build, "fault", ""));
  facts.add("evidence", field_text(build, "fault_evidence", ""));
  facts.add("host", field_text(build, "host", ""));
  facts.add("asked by", field_text(build, "requested_by", ""));
  facts.add("because", field_text(build, "requested_because", ""));
  const auto params = field_object(build, "params"); // items() only refers to it
  for (const auto& [name, value] : params.items())
    facts.add("param", name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  facts.add("created", when_text(build, "created_at", out));
  facts.add("took", took_text(build, out));
  if (field_number(build, "artifacts", 0) > 0)
    facts.add("artifacts", field_text(build, "artifacts", ""));
  return text + facts.text() + steps_table(build, out);
}

std::string render_why(const json& answer, const screen& out) {
  auto text = hang("", printable(field_text(answer, "reason", "no reason known"), 1000), out.width);
  for (const auto& line : field_list(answer, "evidence"))
    if (line.is_string())
      text += hang("  ", printable(line.get<std::string>(), 1000), out.width);
  return text;
}

void add_list(CLI::App& app, command_line& line) {
  struct options {
    query_options shown;
    std::string builder, state, before;
    unsigned limit = 0;
  };
  auto given = std::make_shared<options>();
  auto* command = app.add_subcommand("builds", "Builds, newest first")->group(groups::look);
  command->footer("Example: drover builds --builder hello --state finished --limit 5");
  command->add_option("--builder", given->builder, "Only builds of this builder")
    ->type_name("BUILDER");
  command->add_option("--state", given->state, "Only queued, waiting, running or finished ones")
    ->type_name("STATE")
    ->check(CLI::IsMember({"queued", "waiting", "running", "finished"}));
  command->add_option("--limit", given->limit, "So many at most; else 50")
    ->type_name("N")
    ->check(above_zero());
  command->add_option("--before", given->before, "Only builds older than this one")
    ->type_name("ID");
  add_query_options(*command, given->shown, watchable::yes);
  command->callback([given, &line] {
    auto target = with_params(route({"builds"}),
                              {{"builder", given->builder},
                               {"state", given->state},
                               {"before", given->before},
                               {"limit", given->limit == 0 ? "" : std::to_string(given->limit)}});
    line.exit_code = run_query(
      line, given->shown, {target, render_builds, nullptr, nullptr, "builders", given->builder});
  });
}

std::string render_facts(const json& answer, const screen& out) {
  std::string text;
  for (const auto& placed : field_list(answer, "placements")) {
    table rows{{"HOST " + field_text(placed, "host", "?"), field_text(placed, "version", "")}};
    for (const char* kind : {"labels", "facts"})
      if (placed.contains(kind) && placed[kind].is_object())
        for (const auto& [name, value] : placed[kind].items())
          rows.add({name, value.is_string() ? value.get<std::string>() : value.dump()});
    text += rows.text(out.colours, out.width);
  }
  return text.empty() ? "no host has had this build yet, or it is older than facts are kept\n"
                      : text;
}

void add_one(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* command =
    app.add_subcommand("build", "One build with its steps and attempts")->group(groups::look);
  command->footer("Example: drover build 1 --wait --timeout 600");
  command->add_option("ID", *id, "The build's number")->required();
  add_query_options(*command, *shown, watchable::yes);
  add_wait_options(*command, *shown);
  auto facts = std::make_shared<bool>(false);
  command->add_flag("--facts", *facts, "Instead: what its hosts were like when it came to them");
  command->callback([shown, id, facts, &line] {
    line.exit_code =
      *facts
        ? run_query(line, *shown, {route({"builds", *id, "facts"}), render_facts})
        : run_query(line, *shown, {route({"builds", *id}), render_build, is_over, build_progress});
  });
}

/// A number is a build, "c3" a campaign; all else is a host's name.
void add_why(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto subject = std::make_shared<std::string>();
  auto* command = app
                    .add_subcommand("why", "Why a build waits or how it ended, why a host is out,"
                                           " how a campaign stands: a sentence, then the evidence")
                    ->group(groups::look);
  command->footer("Example: drover why 1\n         drover why h2\n         drover why c1");
  command->add_option("ID-or-HOST", *subject, "A build's number, a host's name or a campaign's id")
    ->required();
  add_query_options(*command, *shown, watchable::yes);
  command->callback([shown, subject, &line] {
    auto kind = parse_build_id(*subject)      ? "builds"
                : parse_campaign_id(*subject) ? "campaigns"
                                              : "hosts";
    line.exit_code = run_query(
      line, *shown, {route({kind, *subject, "why"}), render_why, nullptr, nullptr, kind, *subject});
  });
}

} // namespace

std::string build_progress(const json& build) {
  auto text = "build " + field_text(build, "id", "?") + " of "
              + printable(field_text(build, "builder", "?"), 80) + ": ";
  auto steps = field_list(build, "steps");
  const json* current = nullptr;
  size_t number = 0;
  for (size_t i = 0; i < steps.size(); ++i)
    if (!is_over(steps[i])) {
      current = &steps[i];
      number = i + 1;
      break;
    }
  auto attempts = current ? field_list(*current, "attempts") : json::array();
  if (!current || field_text(build, "state", "") != "running")
    text += printable(field_text(build, "state", "?"), 80);
  else
    text += "step " + printable(field_text(*current, "name", "?"), 80) + " ("
            + std::to_string(number) + " of " + std::to_string(steps.size()) + ")";
  if (auto host = field_text(build, "host", ""); !host.empty())
    text += " on " + printable(host, 80);
  auto since = field_text(attempts.empty() ? build : attempts.back(), "started_at",
                          field_text(build, "created_at", ""));
  if (auto begun = parse_time(since))
    text += ", " + duration_text(now_ms() - *begun);
  return text;
}

void add_builds(CLI::App& app, command_line& line) {
  add_list(app, line);
  add_one(app, line);
  add_why(app, line);
}

} // namespace drover::cli
