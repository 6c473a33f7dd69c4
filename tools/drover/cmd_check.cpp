// check: all mistakes of a configuration at once. Needs no farm.
// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace drover::cli {

namespace {

int check(const std::string& file) {
  auto report = load_config(file);
  for (const auto& mistake : report.errors)
    std::fprintf(stderr, "%s\n", format(mistake, file).c_str());
  for (const auto& doubt : report.warnings)
    std::fprintf(stderr, "%s\n",
                 format({doubt.line, doubt.column, "warning: " + doubt.message}, file).c_str());
  if (!report.config)
    return exits::usage;
  put_out("farm " + report.config->farm + ": " + std::to_string(report.config->hosts.size())
          + " hosts, " + std::to_string(report.config->sources.size()) + " sources, "
          + std::to_string(report.config->builders.size()) + " builders, no mistakes\n");
  return exits::green;
}

} // namespace

void add_check(CLI::App& app, command_line& line) {
  auto file = std::make_shared<std::string>();
  auto* command = app.add_subcommand(
    "check", "Find all mistakes of a configuration, and builders that no known host serves");
  command->footer("Example: drover check farm.yaml");
  command->add_option("FILE", *file, "farm.yaml")->required();
  command->callback([file, &line] { line.exit_code = check(*file); });
}

} // namespace drover::cli
