// hosts, host and what one may ask of it.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

/// What `drover host NAME ACTION` may say; a list for the help, the check and the shell.
const std::vector<std::string> actions{"drain", "pause", "resume", "restart", "forget"};

cell state_cell(const json& host) {
  auto word = field_text(host, "state", "-");
  return {word, colour_of(word)};
}

std::string slots_text(const json& host) {
  auto slots = field_object(host, "slots");
  return field_text(slots, "used", "?") + "/" + field_text(slots, "total", "?");
}

/// "drain by ann: new disk, until 2026-01-31 12:00:00"; empty: nobody holds it.
std::string hold_text(const json& host) {
  auto hold = field_object(host, "hold");
  if (hold.empty())
    return "";
  auto out = field_text(hold, "kind", "held") + " by " + field_text(hold, "by", "?");
  if (auto reason = field_text(hold, "reason", ""); !reason.empty())
    out += ": " + reason;
  if (auto until = field_text(hold, "until", ""); !until.empty())
    out += ", until " + short_time(until);
  return out;
}

/// "trusted: build 5 of proof passed there".
std::string stage_text(const json& host) {
  auto note = field_text(host, "stage_note", "");
  return field_text(host, "stage", "") + (note.empty() ? "" : ": " + note);
}

std::string system_text(const json& facts) {
  auto system = field_text(facts, "os", "-") + " " + field_text(facts, "arch", "");
  auto via = field_text(facts, "via", "");
  return via.empty() ? system : system + " via " + via;
}

/// "0.1.0/1.3": the program's version without its commit, and the protocol that it speaks.
std::string version_text(const json& host) {
  auto version = field_text(host, "version", "-");
  version.resize(std::min(version.find(' '), version.size()));
  auto protocol = field_text(field_object(host, "facts"), "protocol", "");
  return protocol.empty() ? version : version + "/" + protocol;
}

std::string render_hosts(const json& answer, const screen& out) {
  table rows{{"HOST", "STATE", "STAGE", "SLOTS", "HEALTH", "RESTARTS", "OS", "VERSION", "REASON"}};
  for (const auto& host : field_list(answer, "hosts")) {
    auto facts = field_object(host, "facts");
    rows.add({field_text(host, "name", "-"), state_cell(host), field_text(host, "stage", "-"),
              slots_text(host), field_text(host, "health", "-"), field_text(host, "restarts", "0"),
              system_text(facts), version_text(host), field_text(host, "reason", "")});
  }
  return rows.empty() ? "no hosts yet; `drover up --hosts N` starts some\n"
                      : rows.text(out.colours, out.width);
}

std::string render_host(const json& host, const screen& out) {
  auto state = state_cell(host);
  auto text = "host " + printable(field_text(host, "name", "?"), 80) + ": "
              + paint(printable(state.text, 80), state.shade, out.colours) + "\n";
  fact_sheet sheet{14, out};
  sheet.add("reason", field_text(host, "reason", ""));
  sheet.add("stage", stage_text(host));
  sheet.add("held", hold_text(host));
  sheet.add("brought back", field_text(field_object(host, "ladder"), "note", ""));
  sheet.add("slots", slots_text(host));
  sheet.add("health", field_text(host, "health", ""));
  sheet.add("restarts", field_text(host, "restarts", ""));
  sheet.add("last seen", when_text(host, "last_seen_at", out));
  sheet.add("version", field_text(host, "version", ""));
  for (const auto& attempt : field_list(host, "attempts"))
    sheet.add("runs", "build " + field_text(attempt, "build", "?") + ", step "
                        + field_text(attempt, "step", "?") + ", attempt "
                        + field_text(attempt, "attempt", "?"));
  text += sheet.text();
  for (auto kind : {"labels", "facts"}) {
    const auto entries = field_object(host, kind);
    if (!entries.empty())
      text += "\n" + std::string{kind} + ":\n";
    fact_sheet named{14, out};
    for (const auto& [name, value] : entries.items())
      named.add(name, value.is_string() ? value.get<std::string>() : value.dump());
    text += named.text();
  }
  return text;
}

struct host_options {
  query_options shown;
  std::string name, action, reason, period;
};

/// "--for 2h" as the farm takes it: whole seconds; empty if none was given.
expected<std::string> seconds_of(const std::string& period) {
  if (period.empty())
    return std::string{};
  auto duration = parse_duration(period);
  if (!duration || duration->count() < 1000)
    return failure{ec::bad_input, "--for '" + printable(period, 40)
                                    + "': write a time of a second or more, as 30m, 2h or 1d"};
  return std::to_string(duration->count() / 1000);
}

int order_host(const command_line& line, const host_options& given) {
  auto seconds = seconds_of(given.period);
  if (!seconds)
    return complain(seconds.error());
  bool holds = given.action == "drain" || given.action == "pause";
  if (!given.period.empty() && !holds)
    return complain({ec::bad_input, "--for goes with drain and pause only"});
  auto target = with_params(route({"hosts", given.name, given.action}),
                            {{"reason", given.reason}, {"for", *seconds}});
  return run_order(line, {target, "", given.shown.as_json, "hosts", given.name});
}

int host(const command_line& line, const host_options& given) {
  if (!given.action.empty())
    return given.shown.watch ? complain({ec::bad_input, "--watch goes without an order"})
                             : order_host(line, given);
  if (!given.reason.empty() || !given.period.empty())
    return complain({ec::bad_input, "--reason and --for go with an order, as `drover host h1 drain"
                                    " --for 2h`"});
  return run_query(
    line, given.shown,
    {route({"hosts", given.name}), render_host, nullptr, nullptr, "hosts", given.name});
}

} // namespace

void add_hosts(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto* list = app.add_subcommand("hosts", "The herd: state, slots, health")->group(groups::herd);
  list->footer("Example: drover hosts --watch");
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"hosts"}), render_hosts});
  });

  auto given = std::make_shared<host_options>();
  auto* one = app
                .add_subcommand("host", "One host: state, facts, what it runs; or an order to it:"
                                        " drain, pause, resume, restart, forget")
                ->group(groups::herd);
  one->footer("Example: drover host h1\n"
              "         drover host h1 drain --reason 'new disk' --for 2h\n"
              "         drover host h1 resume\n\n"
              "drain    what runs there goes on to its end, nothing new comes\n"
              "pause    as drain, and its builds wait between two steps\n"
              "resume   ends both\n"
              "restart  its agent starts anew; steps that run go on\n"
              "forget   the farm no longer counts on it; for hosts that are gone");
  one->add_option("NAME", given->name, "The host's name")->required();
  one->add_option("ACTION", given->action, "drain, pause, resume, restart or forget")
    ->check(CLI::IsMember(actions));
  one->add_option("--reason", given->reason, "Shown wherever the host is shown")->type_name("TEXT");
  one->add_option("--for", given->period, "drain, pause: until then only, as 30m, 2h, 1d")
    ->type_name("TIME");
  add_query_options(*one, given->shown, watchable::yes);
  one->callback([given, &line] { line.exit_code = host(line, *given); });
}

} // namespace drover::cli
