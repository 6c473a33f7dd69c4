// hosts, host.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

cell state_cell(const json& host) {
  auto word = field_text(host, "state", "-");
  return {word, colour_of(word)};
}

std::string slots_text(const json& host) {
  auto slots = host.value("slots", json::object());
  return field_text(slots, "used", "?") + "/" + field_text(slots, "total", "?");
}

std::string render_hosts(const json& answer, const screen& out) {
  table rows{{"HOST", "STATE", "SLOTS", "HEALTH", "RESTARTS", "OS", "REASON"}};
  for (const auto& host : answer.value("hosts", json::array())) {
    auto facts = host.value("facts", json::object());
    rows.add({field_text(host, "name", "-"), state_cell(host), slots_text(host),
              field_text(host, "health", "-"), field_text(host, "restarts", "0"),
              field_text(facts, "os", "-") + " " + field_text(facts, "arch", ""),
              field_text(host, "reason", "")});
  }
  return rows.empty() ? "no hosts\n" : rows.text(out.colours);
}

std::string render_host(const json& host, const screen& out) {
  auto state = state_cell(host);
  auto text = "host " + printable(field_text(host, "name", "?"), 80) + ": "
              + paint(printable(state.text, 80), state.shade, out.colours) + "\n";
  auto add = [&](const std::string& label, const std::string& value) {
    if (!value.empty())
      text += "  " + label + std::string(label.size() < 14 ? 14 - label.size() : 1, ' ')
              + printable(value, 1000) + "\n";
  };
  add("reason", field_text(host, "reason", ""));
  add("slots", slots_text(host));
  add("health", field_text(host, "health", ""));
  add("restarts", field_text(host, "restarts", ""));
  add("last seen", short_time(field_text(host, "last_seen_at", "")));
  add("version", field_text(host, "version", ""));
  for (const auto& attempt : host.value("attempts", json::array()))
    add("runs", "build " + field_text(attempt, "build", "?") + ", step "
                  + field_text(attempt, "step", "?") + ", attempt "
                  + field_text(attempt, "attempt", "?"));
  for (auto kind : {"labels", "facts"}) {
    auto entries = host.value(kind, json::object());
    if (!entries.empty())
      text += "\n" + std::string{kind} + ":\n";
    for (const auto& [name, value] : entries.items())
      add(printable(name, 80), value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

} // namespace

void add_hosts(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto* list = app.add_subcommand("hosts", "The herd: state, slots, health");
  list->footer("Example: drover hosts --watch");
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"hosts"}), render_hosts, nullptr});
  });

  auto one_shown = std::make_shared<query_options>();
  auto name = std::make_shared<std::string>();
  auto* one = app.add_subcommand("host", "One host: state, facts, labels, what it runs");
  one->footer("Example: drover host h1 --json");
  one->add_option("NAME", *name, "The host's name")->required();
  add_query_options(*one, *one_shown, watchable::yes);
  one->callback([one_shown, name, &line] {
    line.exit_code = run_query(line, *one_shown, {route({"hosts", *name}), render_host, nullptr});
  });
}

} // namespace drover::cli
