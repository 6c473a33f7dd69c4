// check: all mistakes of a configuration at once. Needs no farm, and learns more from one that
// runs.
// SPDX-License-Identifier: Apache-2.0
#include "config/herd.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace drover::cli {

namespace {

struct check_options {
  std::string file;
  bool as_json = false;
};

string_map map_in(const json& object, const std::string& name) {
  string_map out;
  const auto entries = field_object(object, name);
  for (const auto& [key, value] : entries.items())
    out[key] = value.is_string() ? value.get<std::string>() : value.dump();
  return out;
}

/// The hosts of the farm that --farm or DROVER_FARM names. One that is only named by the
/// environment may be away: checking needs none.
expected<std::vector<known_host>> ask_herd(const command_line& line) {
  std::vector<known_host> hosts;
  bool asked = !line.farm.empty();
  if (!asked && real_surroundings().environment("DROVER_FARM").value_or("").empty())
    return hosts;
  auto farm = open_farm(line);
  auto answer = farm ? fetch(*farm, route({"hosts"})) : expected<json>{farm.error()};
  if (!answer && asked)
    return answer.error();
  if (answer)
    for (const auto& host : field_list(*answer, "hosts"))
      hosts.push_back(
        {field_text(host, "name", "?"), map_in(host, "facts"), map_in(host, "labels")});
  return hosts;
}

/// Warnings of the live herd, but for builders that the labels alone have told of.
void add_live(config_report& report, const std::vector<known_host>& hosts) {
  for (auto& doubt : unserved(report, hosts)) {
    bool told = std::any_of(report.warnings.begin(), report.warnings.end(), [&](const auto& known) {
      return known.line == doubt.line && known.file_number == doubt.file_number
             && known.message.find("can serve") != std::string::npos;
    });
    if (!told && report.warnings.size() < limits::config_errors_max)
      report.warnings.push_back(std::move(doubt));
  }
}

json list_of(const std::vector<config_error>& all, const std::string& main) {
  auto out = json::array();
  for (const auto& one : all)
    out.push_back({{"file", printable(file_of(one, main), limits::value_bytes_max)},
                   {"line", one.line},
                   {"column", one.column},
                   {"message", one.message}});
  return out;
}

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string summary(const config_report& report) {
  const auto& farm = *report.config;
  auto text = "farm " + farm.farm + ": " + counted(farm.hosts.size(), "host") + ", "
              + counted(farm.sources.size(), "source") + ", "
              + counted(farm.builders.size(), "builder") + ", no mistakes";
  if (!report.warnings.empty())
    text += ", " + counted(report.warnings.size(), "warning");
  return text + "\n";
}

void show(const config_report& report, const check_options& chosen) {
  if (chosen.as_json) {
    json out;
    out["ok"] = report.config.has_value();
    out["errors"] = list_of(report.errors, chosen.file);
    out["warnings"] = list_of(report.warnings, chosen.file);
    put_out(json_line(out));
    return;
  }
  for (const auto& mistake : report.errors)
    std::fprintf(stderr, "%s\n", format(mistake, chosen.file).c_str());
  for (auto doubt : report.warnings) {
    doubt.message = "warning: " + doubt.message;
    std::fprintf(stderr, "%s\n", format(doubt, chosen.file).c_str());
  }
  if (report.config)
    put_out(summary(report));
  else
    std::fprintf(stderr, "drover: %s in %s; docs/CONFIG.md has every key\n",
                 counted(report.errors.size(), "mistake").c_str(),
                 printable(chosen.file, limits::value_bytes_max).c_str());
}

int check(const check_options& chosen, const command_line& line) {
  auto report = load_config(chosen.file);
  expected<std::vector<known_host>> herd{std::vector<known_host>{}};
  if (report.config) {
    herd = ask_herd(line);
    if (herd)
      add_live(report, *herd);
  }
  show(report, chosen);
  if (!report.config)
    return exits::usage;
  return herd ? exits::green : complain(herd.error());
}

} // namespace

void add_check(CLI::App& app, command_line& line) {
  auto chosen = std::make_shared<check_options>();
  auto* command = app.add_subcommand(
    "check", "Find all mistakes of a configuration, and builders that no known host serves");
  command->footer("Example: drover check farm.yaml\n"
                  "         drover check farm.yaml --farm my-farm\n\n"
                  "With a farm its hosts are asked, too, what they are. Mistakes end it with 2; "
                  "warnings do not.");
  command->group(groups::farm);
  command->add_option("FILE", chosen->file, "farm.yaml")->required();
  command->add_flag("--json", chosen->as_json, "One line of JSON: ok, errors, warnings");
  command->callback([chosen, &line] { line.exit_code = check(*chosen, line); });
}

} // namespace drover::cli
