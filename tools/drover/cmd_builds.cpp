// builds, build, why, cancel.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/request.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace drover::cli {

namespace {

bool is_over(const json& build) {
  return field_text(build, "state", "") == "finished";
}

/// The result where there is one, else the state: what a person wants to see first.
cell verdict_cell(const json& thing) {
  auto word = field_text(thing, "result", field_text(thing, "state", "-"));
  return {word, colour_of(word)};
}

/// Of what an attempt has used; empty where its host could not tell.
std::string cpu_used(const json& attempt) {
  auto usage = attempt.value("usage", json::object());
  auto ms = usage.value("user_ms", int64_t{0}) + usage.value("system_ms", int64_t{0});
  return ms <= 0 ? "" : std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

std::string memory_used(const json& attempt) {
  constexpr uint64_t mebibyte = 1024 * 1024;
  auto peak = attempt.value("usage", json::object()).value("memory_peak", uint64_t{0});
  return peak == 0 ? "" : std::to_string((peak + mebibyte - 1) / mebibyte) + " MiB";
}

std::string render_builds(const json& answer, const screen& out) {
  table rows{{"ID", "BUILDER", "RESULT", "HOST", "SOURCE", "CREATED", "TOOK", "REASON"}};
  for (const auto& build : answer.value("builds", json::array()))
    rows.add({field_text(build, "id", "-"), field_text(build, "builder", "-"), verdict_cell(build),
              field_text(build, "host", "-"),
              field_text(build.value("source", json::object()), "id", "-"),
              short_time(field_text(build, "created_at", "-")),
              time_between(build, "started_at", "finished_at"), field_text(build, "reason", "")});
  return rows.empty() ? "no builds\n" : rows.text(out.colours);
}

std::string render_build(const json& build, const screen& out) {
  auto source = build.value("source", json::object());
  auto text = "build " + field_text(build, "id", "?") + " of "
              + printable(field_text(build, "builder", "?"), 80) + ": "
              + paint(verdict_cell(build).text, verdict_cell(build).shade, out.colours) + "\n";
  auto add = [&](const char* label, const std::string& value) {
    if (!value.empty())
      text += std::string{label} + printable(value, 1000) + "\n";
  };
  add("  reason    ", field_text(build, "reason", ""));
  add("  source    ", field_text(source, "id", ""));
  add("  revision  ", field_text(source, "revision", ""));
  add("  sha256    ", field_text(source, "sha256", ""));
  add("  campaign  ", field_text(build, "campaign", ""));
  add("  host      ", field_text(build, "host", ""));
  add("  asked by  ", field_text(build, "requested_by", ""));
  add("  because   ", field_text(build, "requested_because", ""));
  const auto params = build.value("params", json::object()); // items() only refers to it
  for (const auto& [name, value] : params.items())
    add("  param     ", name + "=" + (value.is_string() ? value.get<std::string>() : ""));
  add("  created   ", short_time(field_text(build, "created_at", "")));
  add("  took      ", time_between(build, "started_at", "finished_at"));
  add("  artifacts ", field_text(build, "artifacts", ""));
  table rows{{"STEP", "RESULT", "EXIT", "ATTEMPT", "HOST", "TOOK", "CPU", "MEMORY", "REASON"}};
  for (const auto& step : build.value("steps", json::array())) {
    auto attempts = step.value("attempts", json::array());
    if (attempts.empty())
      rows.add({field_text(step, "name", "-"), verdict_cell(step),
                field_text(step, "exit_code", ""), "", "", "", "", "",
                field_text(step, "reason", "")});
    for (const auto& attempt : attempts)
      rows.add({field_text(step, "name", "-"), verdict_cell(attempt),
                field_text(attempt, "exit_code", ""), field_text(attempt, "number", ""),
                field_text(attempt, "host", ""), time_between(attempt, "started_at", "finished_at"),
                cpu_used(attempt), memory_used(attempt), field_text(attempt, "reason", "")});
  }
  return text + (rows.empty() ? "" : "\n" + rows.text(out.colours));
}

std::string render_why(const json& answer, const screen&) {
  auto text = printable(field_text(answer, "reason", "no reason known"), 1000) + "\n";
  for (const auto& line : answer.value("evidence", json::array()))
    if (line.is_string())
      text += "  " + printable(line.get<std::string>(), 1000) + "\n";
  return text;
}

void add_list(CLI::App& app, command_line& line) {
  struct options {
    query_options shown;
    std::string builder, state, before;
    unsigned limit = 0;
  };
  auto given = std::make_shared<options>();
  auto* command = app.add_subcommand("builds", "Builds, newest first");
  command->footer("Example: drover builds --builder check --state finished --limit 5");
  command->add_option("--builder", given->builder, "Only builds of this builder");
  command->add_option("--state", given->state, "Only queued, waiting, running or finished ones")
    ->check(CLI::IsMember({"queued", "waiting", "running", "finished"}));
  command->add_option("--limit", given->limit, "So many at most")->check(CLI::PositiveNumber);
  command->add_option("--before", given->before, "Only builds older than this one");
  add_query_options(*command, given->shown, watchable::yes);
  command->callback([given, &line] {
    auto target = route({"builds"});
    auto add = [&](const char* name, const std::string& value) {
      if (!value.empty())
        target += (target.find('?') == std::string::npos ? "?" : "&") + std::string{name} + "="
                  + http::percent_encode(value);
    };
    add("builder", given->builder);
    add("state", given->state);
    add("before", given->before);
    add("limit", given->limit == 0 ? "" : std::to_string(given->limit));
    line.exit_code = run_query(line, given->shown, {target, render_builds, nullptr});
  });
}

void add_one(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand("build", "One build with its steps and attempts");
  command->footer("Example: drover build 12 --wait --timeout 600");
  command->add_option("ID", *id, "The build's number")->required();
  add_query_options(*command, *shown, watchable::yes);
  add_wait_options(*command, *shown);
  command->callback([shown, id, &line] {
    line.exit_code = run_query(line, *shown, {route({"builds", *id}), render_build, is_over});
  });
}

/// A number is a build; all else is a host's name, unless no such host is there.
void add_why(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto subject = std::make_shared<std::string>();
  auto* command = app.add_subcommand(
    "why", "Why a build waits or how it ended, why a host is out: a sentence, then the evidence");
  command->footer("Example: drover why 12\n         drover why h2");
  command->add_option("ID-or-HOST", *subject, "A build's number or a host's name")->required();
  add_query_options(*command, *shown, watchable::yes);
  command->callback([shown, subject, &line] {
    auto kind = parse_build_id(*subject) ? "builds" : "hosts";
    line.exit_code = run_query(line, *shown, {route({kind, *subject, "why"}), render_why, nullptr});
  });
}

int cancel(const command_line& line, const std::string& id, const std::string& reason) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto* user = ::getenv("USER");
  auto target = route({"builds", id, "cancel"})
                + "?by=" + http::percent_encode(user ? user : "uid " + std::to_string(::getuid()));
  if (!reason.empty())
    target += "&reason=" + http::percent_encode(reason);
  auto answer = read_answer(farm->post(target, ""));
  if (!answer)
    return complain(answer.error());
  put_out(printable(field_text(*answer, "text", "done"), 1000) + "\n");
  return exits::green;
}

void add_cancel(CLI::App& app, command_line& line) {
  auto id = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto* command =
    app.add_subcommand("cancel", "End a build: its step is stopped, the rest skipped");
  command->footer("Example: drover cancel 12 --reason 'wrong tarball'");
  command->add_option("ID", *id, "The build's number")->required();
  command->add_option("--reason", *reason, "Shown wherever the build is shown");
  command->callback([id, reason, &line] { line.exit_code = cancel(line, *id, *reason); });
}

} // namespace

void add_builds(CLI::App& app, command_line& line) {
  add_list(app, line);
  add_one(app, line);
  add_why(app, line);
  add_cancel(app, line);
}

} // namespace drover::cli
