// events: the farm's journal, stored and live.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/limits_cli.hpp"
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/journal.hpp"
#include "tools/drover/sse.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <optional>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

struct event_options {
  std::string kind, build, campaign, host, by, since;
  unsigned limit = 0;
  bool follow = false;
  bool as_json = false;
};

std::vector<std::pair<const char*, std::string>> filters(const event_options& given) {
  return {{"kind", given.kind},
          {"build", given.build},
          {"campaign", given.campaign},
          {"host", given.host},
          {"by", given.by}};
}

/// The stored entries that were asked for: behind --since, else the newest.
std::string stored_target(const event_options& given) {
  auto count = given.limit == 0 ? limits::event_rows_shown : given.limit;
  auto target = with_params(route({"events"}), filters(given));
  if (given.since.empty())
    return with_params(target, {{"tail", std::to_string(count)}});
  return with_params(
    target, {{"after", given.since}, {"limit", given.limit == 0 ? "" : std::to_string(count)}});
}

std::string render_events(const json& answer, const screen& out) {
  std::string text;
  for (const auto& event : field_list(answer, "events"))
    text += cut_to_width(event_line(event, out), out.width) + "\n";
  return text.empty() ? "nothing of that kind has happened\n" : text;
}

bool show_event(const json& event, const event_options& given, const screen& out) {
  return put_out(given.as_json ? json_line(event)
                               : cut_to_width(event_line(event, out), out.width) + "\n");
}

/// One connection to the stream, until it ends. `after` moves with each event that was shown.
expected<reply> stream(client& farm, const event_options& given, const screen& out,
                       std::string& after, bool& reading) {
  event_reader reader;
  auto target = with_params(route({"events", "stream"}), filters(given));
  return farm.get_to(with_params(target, {{"after", after}}), [&](std::string_view bytes) {
    for (const auto& one : reader.take(bytes)) {
      auto event = json::parse(one.data, nullptr, false);
      if (!event.is_object())
        continue;
      reading = show_event(event, given, out);
      if (!reading)
        return false;
      after = one.id.empty() ? field_text(event, "sequence", after) : one.id;
    }
    return true;
  });
}

/// Shows what comes, through restarts of the farm, until nobody reads or Ctrl-C.
int follow(const command_line& line, client& farm, const event_options& given, std::string after) {
  auto out = real_screen(line.colours);
  auto heard = steady_clock::now();
  bool told = false;
  for (bool reading = true;;) {
    auto before = after;
    auto begun = steady_clock::now();
    auto answer = stream(farm, given, out, after, reading);
    if (!reading)
      return exits::green;
    auto why = !answer         ? answer.error()
               : !answer->ok() ? failure_of(*answer)
                               : failure{ec::unavailable, "the farm ended the stream"};
    if (why.code != ec::unavailable)
      return complain(why);
    // A connection that stood for a while, or said something, was a farm that is there.
    if (after != before || (answer && answer->ok())
        || steady_clock::now() - begun > limits::client_look_interval) {
      heard = steady_clock::now();
      told = false;
    }
    if (steady_clock::now() - heard > limits::client_reconnect)
      return complain(why);
    if (!std::exchange(told, true))
      std::fprintf(stderr, "drover: %s; trying again\n", printable(why.text, 1000).c_str());
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

int events(const command_line& line, const event_options& given) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto answer = fetch(*farm, stored_target(given));
  if (!answer)
    return complain(answer.error());
  if (!given.follow) {
    put_out(given.as_json ? json_line(*answer) : render_events(*answer, real_screen(line.colours)));
    return exits::green;
  }
  auto out = real_screen(line.colours);
  auto after = given.since;
  for (const auto& event : field_list(*answer, "events")) {
    if (!show_event(event, given, out))
      return exits::green;
    after = field_text(event, "sequence", after);
  }
  // Without --since all is shown up to now; with it there may be more pages, which the stream has.
  return follow(line, *farm, given,
                given.since.empty() ? field_text(*answer, "last", after) : after);
}

} // namespace

std::string event_line(const json& event, const screen& out) {
  auto at = short_time(field_text(event, "at", "-"));
  auto kind = field_text(event, "kind", "-");
  std::string subject;
  auto add = [&](const char* word, const char* field) {
    auto value = field_text(event, field, "");
    if (!value.empty() && value != "0")
      subject += (subject.empty() ? "" : " ") + std::string{word} + value;
  };
  add("#", "build");
  if (field_text(event, "build", "").empty())
    add("", "campaign");
  add("", "builder");
  add("step ", "step");
  add("on ", "host");
  auto word = field_text(event, "result", field_text(event, "state", ""));
  auto text = field_text(event, "text", "");
  auto by = field_text(event, "by", "");
  auto line = printable(at, 40) + "  " + printable(kind, 40)
              + std::string(kind.size() < 17 ? 17 - kind.size() : 0, ' ') + "  "
              + printable(subject, 400);
  if (!word.empty())
    line += std::string{subject.empty() ? "" : ": "}
            + paint(printable(word, 80), colour_of(word), out.colours);
  if (!text.empty())
    line += std::string{subject.empty() && word.empty() ? "" : ", "} + printable(text, 1000);
  return by.empty() ? line : line + " (by " + printable(by, 80) + ")";
}

std::vector<std::string> event_kinds() {
  std::vector<std::string> out;
  for (int kind = 1; kind <= static_cast<int>(event_kind::host_misbehaved); ++kind)
    out.emplace_back(to_string(static_cast<event_kind>(kind)));
  return out;
}

void add_events(CLI::App& app, command_line& line) {
  auto given = std::make_shared<event_options>();
  auto* command =
    app
      .add_subcommand("events", "The farm's journal: what happened, in order, and who asked for it")
      ->group(groups::look);
  command->footer("Example: drover events --limit 20\n"
                  "         drover events --follow --kind build_finished");
  command->add_flag("--follow,--watch", given->follow,
                    "Go on with what happens now, until Ctrl-C, also through restarts of the farm");
  command->add_option("--kind", given->kind, "Only entries of this kind, as build_finished")
    ->type_name("KIND");
  command->add_option("--build", given->build, "Only of this build")->type_name("ID");
  command->add_option("--campaign", given->campaign, "Only of this campaign")->type_name("ID");
  command->add_option("--host", given->host, "Only of this host")->type_name("HOST");
  command->add_option("--by", given->by, "Only what this person asked for")->type_name("WHO");
  command->add_option("--since", given->since, "Begin behind the entry of this number; 0: all")
    ->type_name("ID");
  command->add_option("--limit", given->limit, "So many at most; else 50, or behind --since 500")
    ->type_name("N")
    ->check(above_zero());
  command->add_flag("--json", given->as_json,
                    "Print the farm's answer as JSON, with --follow a line for each entry");
  command->callback([given, &line] { line.exit_code = events(line, *given); });
}

} // namespace drover::cli
