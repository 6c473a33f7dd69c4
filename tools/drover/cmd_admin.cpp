// admin: the store, the configuration, who did what. The keys are in cmd_tokens.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/cmd_admin.hpp"

#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cli.hpp"
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/journal.hpp"
#include "tools/drover/restore.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace drover::cli {

namespace {

std::string render_verified(const json& answer, const screen& out) {
  const auto checked = field_object(answer, "checked");
  std::string counts;
  for (const auto& [name, value] : checked.items()) {
    auto word = printable(name, 40);
    std::replace(word.begin(), word.end(), '_', ' ');
    bool bytes = name == "bytes" && value.is_number_unsigned();
    counts +=
      (counts.empty() ? "" : ", ")
      + (bytes ? size_text(value.get<uint64_t>()) : printable(value.dump(), 40) + " " + word);
  }
  auto damaged = field_list(answer, "damaged");
  auto verdict = damaged.empty()
                   ? paint("all good", colour::green, out.colours)
                   : paint(std::to_string(damaged.size()) + " damaged", colour::red, out.colours);
  auto text = "the store: " + verdict + (counts.empty() ? "" : "; checked " + counts) + "\n";
  for (const auto& each : damaged)
    text += hang("  ",
                 printable(field_text(each, "what", "?"), 400) + ": "
                   + printable(field_text(each, "why", "?"), 1000),
                 out.width);
  return text;
}

/// Posts an order that may take long; tells meanwhile that it is under way.
expected<json> long_order(const command_line& line, const std::string& target, const char* doing) {
  auto farm = open_farm(line);
  if (!farm)
    return farm.error();
  farm->be_patient(limits::store_patience);
  progress so_far{line.progress};
  so_far.show(std::string{doing} + " ...");
  return read_answer(farm->post(target, ""));
}

int verify(const command_line& line, bool as_json) {
  auto answer = long_order(line, route({"store", "verify"}), "reading the whole store");
  if (!answer)
    return complain(answer.error());
  put_out(as_json ? json_line(*answer) : render_verified(*answer, real_screen(line.colours)));
  return field_list(*answer, "damaged").empty() ? exits::green : exits::red;
}

int backup(const command_line& line, const std::string& folder, bool as_json) {
  std::error_code error;
  auto path = std::filesystem::absolute(folder, error).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  auto target = with_params(route({"store", "backup"}), {{"to", path}});
  auto answer = long_order(line, target, "copying the store");
  if (!answer)
    return complain(answer.error());
  auto size = static_cast<uint64_t>(std::max<int64_t>(0, field_number(*answer, "bytes", 0)));
  put_out(as_json
            ? json_line(*answer)
            : "backup " + printable(field_text(*answer, "path", path), 1000) + ", "
                + size_text(size) + ", up to entry " + field_text(*answer, "sequence", "?") + "\n");
  return exits::green;
}

/// "30d" in seconds, as text for an address.
expected<std::string> seconds_of(const std::string& option, const std::string& period) {
  if (period.empty())
    return std::string{};
  auto duration = parse_duration(period);
  if (!duration)
    return failure{ec::bad_input,
                   option + " '" + printable(period, 40) + "': write a time, as 12h or 30d"};
  return std::to_string(duration->count() / 1000);
}

uint64_t size_field(const json& answer, const char* name) {
  return static_cast<uint64_t>(std::max<int64_t>(0, field_number(answer, name, 0)));
}

std::string render_collected(const json& answer, bool preview, const screen& out) {
  auto text = std::string{preview ? "would remove " : "removed "}
              + field_text(answer, "builds", "0") + " builds, " + field_text(answer, "events", "0")
              + " entries of the journal, " + field_text(answer, "blobs", "0")
              + " files: " + size_text(size_field(answer, "bytes")) + "\n";
  if (field_number(answer, "artifact_builds", 0) == 0)
    return text;
  text += std::string{preview ? "would drop" : "dropped"} + " the artifacts of "
          + field_text(answer, "artifact_builds", "0")
          + " builds: " + size_text(size_field(answer, "artifact_bytes")) + "\n";
  table rows{{"BUILD", "BUILDER", "SIZE", "REASON"}};
  for (const auto& each : field_list(answer, "artifacts"))
    rows.add({field_text(each, "build", "-"), field_text(each, "builder", "-"),
              size_text(size_field(each, "bytes")), field_text(each, "reason", "")});
  return text + rows.text(out.colours, out.width);
}

int collect(const command_line& line, const std::string& older_than, bool preview, bool as_json) {
  auto seconds = seconds_of("--older-than", older_than);
  if (!seconds)
    return complain(seconds.error());
  auto target = with_params(route({"store", "gc"}),
                            {{"older_than", *seconds}, {"preview", preview ? "yes" : "no"}});
  auto answer = long_order(line, target, "cleaning up");
  if (!answer)
    return complain(answer.error());
  put_out(as_json ? json_line(*answer)
                  : render_collected(*answer, preview, real_screen(line.colours)));
  return exits::green;
}

/// What somebody answers for: an order of a person, or what a host did that no host may.
bool is_deed(const json& entry) {
  return !field_text(entry, "by", "").empty()
         || field_text(entry, "kind", "") == to_string(event_kind::host_misbehaved);
}

/// What people and hosts did, newest last. The journal has no gaps, so pages can be counted
/// backwards.
expected<std::vector<json>> audit_entries(client& farm, const std::string& by, size_t wanted) {
  std::vector<json> found; // newest first
  auto answer = fetch(farm, with_params(route({"events"}), {{"tail", "1"}}));
  if (!answer)
    return answer.error();
  auto last = static_cast<uint64_t>(std::max<int64_t>(0, field_number(*answer, "last", 0)));
  while (last > 0 && found.size() < wanted) {
    auto from = last - std::min<uint64_t>(last, limits::event_rows_max);
    auto page =
      fetch(farm, with_params(route({"events"}), {{"after", std::to_string(from)},
                                                  {"limit", std::to_string(limits::event_rows_max)},
                                                  {"by", by}}));
    if (!page)
      return page.error();
    auto rows = field_list(*page, "events");
    for (auto row = rows.rbegin(); row != rows.rend() && found.size() < wanted; ++row)
      if (is_deed(*row) && field_number(*row, "sequence", 0) <= static_cast<int64_t>(last))
        found.push_back(*row);
    if (rows.empty() && by.empty())
      break; // older entries were cleaned up
    last = from;
  }
  std::reverse(found.begin(), found.end());
  return found;
}

int audit(const command_line& line, const std::string& by, size_t limit, bool as_json) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto entries = audit_entries(*farm, by, limit);
  if (!entries)
    return complain(entries.error());
  if (as_json) {
    auto answer = json::object();
    answer["events"] = *entries;
    put_out(json_line(answer));
    return exits::green;
  }
  auto out = real_screen(line.colours);
  std::string text;
  for (const auto& entry : *entries)
    text += cut_to_width(event_line(entry, out), out.width) + "\n";
  put_out(text.empty() ? "nobody has asked for anything yet, and no host has misbehaved\n" : text);
  return exits::green;
}

void add_store(CLI::App& admin, command_line& line) {
  struct options {
    std::string folder, dir, older_than = "";
    bool as_json = false, preview = false;
  };
  auto given = std::make_shared<options>();
  auto add_json = [given](CLI::App& command) {
    command.add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
  };
  auto* verified = admin.add_subcommand("verify", "Read the whole store and check each record,"
                                                  " log and file; 1: something is damaged");
  verified->footer("Example: drover admin verify");
  add_json(*verified);
  verified->callback([given, &line] { line.exit_code = verify(line, given->as_json); });

  auto* saved = admin.add_subcommand("backup", "Copy the store while the farm runs, to a folder on"
                                               " the coordinator's machine that is not there yet");
  saved->footer("Example: drover admin backup drover-backup");
  saved->add_option("FOLDER", given->folder, "Is made")->required();
  add_json(*saved);
  saved->callback([given, &line] { line.exit_code = backup(line, given->folder, given->as_json); });

  auto* restored = admin.add_subcommand("restore", "Put a backup in the place of the store of a"
                                                   " farm that is stopped; the old one is kept");
  restored->footer("Example: drover admin restore drover-backup --dir my-farm");
  restored->add_option("FOLDER", given->folder, "Of `drover admin backup`")->required();
  restored->add_option("--dir", given->dir, "The farm's folder, as `drover up --dir`")
    ->type_name("D")
    ->required();
  restored->callback([given, &line] {
    auto done = restore_store(given->folder, given->dir);
    if (done)
      put_out(*done + "\n");
    line.exit_code = done ? exits::green : complain(done.error());
  });

  auto* cleaned = admin.add_subcommand("gc", "Drop artifacts as the builders' `keep` says,"
                                             " remove whatever nothing refers to any more, and"
                                             " old builds with their logs and files if asked to");
  cleaned->footer("Example: drover admin gc --older-than 90d --preview");
  cleaned
    ->add_option("--older-than", given->older_than, "Also remove builds that ended before, as 90d")
    ->type_name("TIME");
  cleaned->add_flag("--preview", given->preview, "Only say what would be removed");
  add_json(*cleaned);
  cleaned->callback([given, &line] {
    line.exit_code = collect(line, given->older_than, given->preview, given->as_json);
  });
}

void add_audit(CLI::App& admin, command_line& line) {
  struct options {
    std::string by;
    size_t limit = limits::event_rows_shown;
    bool as_json = false;
  };
  auto given = std::make_shared<options>();
  auto* command = admin.add_subcommand(
    "audit", "What people asked of the farm, and what hosts did that no host may,"
             " newest last");
  command->footer("Example: drover admin audit --limit 20");
  command->add_option("--by", given->by, "Only what this person asked for")->type_name("WHO");
  command->add_option("--limit", given->limit, "So many at most; else 50")
    ->type_name("N")
    ->check(above_zero());
  command->add_flag("--json", given->as_json, "Print the entries as JSON, for scripts");
  command->callback(
    [given, &line] { line.exit_code = audit(line, given->by, given->limit, given->as_json); });
}

} // namespace

void add_admin(CLI::App& app, command_line& line) {
  auto* admin =
    app
      .add_subcommand("admin", "Accounts, keys, configuration, store, and who did what:"
                               " user, token, revoke, config, reload, verify, backup, restore, gc,"
                               " cache, notices, audit")
      ->group(groups::farm);
  admin->require_subcommand(1);
  admin->footer("Example: drover admin verify");
  add_users(*admin, line);
  add_tokens(*admin, line);
  add_revoke(*admin, line);
  add_config(*admin, line);
  add_notice_orders(*admin, line);
  add_store(*admin, line);
  add_cache(*admin, line);
  add_audit(*admin, line);
}

} // namespace drover::cli
