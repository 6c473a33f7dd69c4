// `drover`: everything that a person or a script asks of a farm.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "nodes/version.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/up.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>

namespace drover::cli {

namespace {

/// The first word that is no option of the program itself; empty if there is none.
std::string first_word(int count, const char* const* words) {
  for (int at = 1; at < count; ++at) {
    std::string word = words[at];
    if (word == "--farm")
      ++at; // its value
    else if (word.empty() || word[0] != '-')
      return word;
  }
  return "";
}

/// The commands that `--help` lists.
std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(command->get_name());
  return out;
}

/// A word that is no command gets one sentence with what was probably meant.
std::optional<failure> unknown_command(const CLI::App& app, const std::string& word) {
  auto names = command_names(app);
  if (word.empty() || std::find(names.begin(), names.end(), word) != names.end())
    return std::nullopt;
  std::vector<std::string_view> known{names.begin(), names.end()};
  auto near = nearest(word, known);
  return failure{ec::bad_input, "there is no command '" + printable(word, 40) + "'"
                                  + (near ? "; did you mean '" + std::string{*near} + "'?"
                                          : "; `drover --help` has them all")};
}

void describe(CLI::App& app, command_line& line) {
  app.name("drover");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--farm", line.farm,
                 "The farm: a Unix socket's path (or its folder), or http://127.0.0.1:PORT;"
                 " else DROVER_FARM, else ~/.config/drover/farm");
  app.set_version_flag("--version", "drover " + program_version());
  app.footer("Exit codes: 0 done and green, 1 done and red, 2 wrong usage or config, 3 farm not"
             " reachable,\n4 refused, 5 timed out. Each command has an example: drover COMMAND"
             " --help");
}

int run(int count, char** words) {
  CLI::App app{"Asks a farm of drover to build and test, and shows what it does."};
  command_line line;
  describe(app, line);
  add_up(app, line.exit_code);
  add_check(app, line);
  add_submit(app, line);
  add_campaigns(app, line);
  add_builds(app, line);
  add_log(app, line);
  add_hosts(app, line);
  add_actors(app, line);
  add_artifacts(app, line);
  app.add_subcommand("version", "Print the version and the commit")->callback([] {
    put_out("drover " + program_version() + "\n");
  });
  if (auto wrong = unknown_command(app, first_word(count, words)))
    return complain(*wrong);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exits::green : exits::usage;
  }
  return line.exit_code;
}

} // namespace

} // namespace drover::cli

int main(int count, char** words) {
  // A reader that goes away (`drover log 1 | head`) is told by the failing write.
  std::signal(SIGPIPE, SIG_IGN);
  return drover::cli::run(count, words);
}
