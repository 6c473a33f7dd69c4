// `drover`: everything that a person or a script asks of a farm.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "nodes/version.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/completion.hpp"
#include "tools/drover/reference.hpp"
#include "tools/drover/up.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <map>

namespace drover::cli {

namespace {

constexpr const char* first_screen =
  "drover asks a farm to build and test, and shows what it does. Three commands go a long way:\n"
  "\n"
  "  drover submit BUILDER --source FILE --wait    build something now\n"
  "  drover builds                                 what was built, what is being built\n"
  "  drover why ID                                 why it waits, or how it ended\n"
  "\n"
  "No farm yet? `drover up --dir my-farm` runs one here. All commands: `drover --help`; one of "
  "them\n"
  "with examples: `drover COMMAND --help`.\n";

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> out;
  for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!each->get_group().empty())
      out.push_back(each);
  return out;
}

/// "; did you mean 'x'?" for the known word that is near, else nothing.
std::string hint(const std::string& word, const std::vector<std::string>& known) {
  auto near = nearest(word, {known.begin(), known.end()});
  return near ? "; did you mean '" + std::string{*near} + "'?" : "";
}

std::vector<std::string> option_names(const CLI::App* app) {
  std::vector<std::string> out;
  for (; app; app = app->get_parent())
    for (const auto* option : app->get_options())
      for (const auto& name : option->get_lnames())
        out.push_back("--" + name);
  return out;
}

/// The command that the words led to, and its whole name.
const CLI::App* deepest(const CLI::App& app, std::string& name) {
  const auto* at = &app;
  for (auto next = at->get_subcommands(); !next.empty(); next = at->get_subcommands()) {
    at = next.front();
    name += (name.empty() ? "" : " ") + at->get_name();
  }
  return at;
}

/// Wrong usage in one line, with what was probably meant and where help is.
failure explain(const CLI::App& app, const CLI::ParseError& error) {
  std::string name;
  const auto* at = deepest(app, name);
  auto extras = app.remaining(true);
  auto asks_help = "`drover " + (name.empty() ? "" : name + " ") + "--help`";
  auto help = "; " + asks_help + " has them all";
  name += name.empty() ? "" : ": ";
  auto inner = commands_of(*at);
  std::vector<std::string> names;
  for (const auto* each : inner)
    names.push_back(each->get_name());
  for (const auto& word : extras) {
    auto shown = "'" + printable(word, 60) + "'";
    if (word.size() > 1 && word[0] == '-') {
      auto near = hint(word.substr(0, word.find('=')), option_names(at));
      return {ec::bad_input, name + "there is no option " + shown + (near.empty() ? help : near)};
    }
    if (!inner.empty()) {
      auto near = hint(word, names);
      return {ec::bad_input, name + "there is no command " + shown + (near.empty() ? help : near)};
    }
    return {ec::bad_input, name + shown + " is one word too many; " + asks_help + " shows how"};
  }
  if (!inner.empty() && at->get_subcommands().empty()) {
    std::string list;
    for (const auto& each : names)
      list += (list.empty() ? "" : ", ") + each;
    return {ec::bad_input, name + "say what: " + list + "; " + asks_help + " explains them"};
  }
  std::string what = error.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  return {ec::bad_input, name + what + "; " + asks_help + " shows how"};
}

void describe(CLI::App& app, command_line& line) {
  app.name("drover");
  app.fallthrough();
  app
    .add_option("--farm", line.farm,
                "The farm: a Unix socket's path (or its folder), http://127.0.0.1:PORT or"
                " https://HOST; else DROVER_FARM, else ~/.config/drover/farm")
    ->type_name("ADDRESS");
  static const std::map<std::string, colour_use> uses{
    {"auto", colour_use::automatic}, {"never", colour_use::never}, {"always", colour_use::always}};
  app
    .add_option_function<std::string>(
      "--color", [&line](const std::string& word) { line.colours = uses.at(word); },
      "auto: on a terminal unless NO_COLOR is set; never; always")
    ->type_name("WHEN")
    ->check(CLI::IsMember({"auto", "never", "always"}));
  app.add_flag_callback(
    "--quiet", [&line] { line.progress = progress_use::quiet; },
    "No progress on standard error; there is none unless that is a terminal");
  app.set_version_flag("--version", "drover " + program_version());
  app.footer("Exit codes: 0 done and green, 1 done and red, 2 wrong usage or config, 3 farm not"
             " reachable,\n4 refused, 5 timed out. Each command has an example: drover COMMAND"
             " --help");
}

void add_commands(CLI::App& app, command_line& line) {
  add_submit(app, line);
  add_build_orders(app, line);
  add_builds(app, line);
  add_campaigns(app, line);
  add_log(app, line);
  add_tests(app, line);
  add_artifacts(app, line);
  add_builders(app, line);
  add_sources(app, line);
  add_events(app, line);
  add_notices(app, line);
  add_hosts(app, line);
  add_actors(app, line);
  add_up(app, line.exit_code);
  add_check(app, line);
  add_admin(app, line);
  for (auto* each : app.get_subcommands([](const CLI::App*) { return true; }))
    if (each->get_name() == "up" || each->get_name() == "check")
      each->group(groups::farm);
  add_completion(app, line);
  auto* version = app.add_subcommand("version", "Print the version and the commit");
  version->footer("Example: drover version");
  version->group(groups::shell)->callback([] { put_out("drover " + program_version() + "\n"); });
}

/// What only shells and our own documents ask for; nothing: it was something else.
std::optional<int> run_hidden(const CLI::App& app, int count, char** words) {
  if (count < 2)
    return std::nullopt;
  std::string_view first = words[1];
  if (first == "complete-words")
    return complete_words(app, {words + 2, words + count});
  if (first == "reference" && count == 3)
    return put_out(std::string_view{words[2]} == "scdoc" ? reference_scdoc(app)
                                                         : reference_markdown(app))
             ? exits::green
             : exits::usage;
  return std::nullopt;
}

int run(int count, char** words) {
  CLI::App app{"Asks a farm of drover to build and test, and shows what it does."};
  command_line line;
  describe(app, line);
  add_commands(app, line);
  if (auto code = run_hidden(app, count, words))
    return *code;
  app.require_subcommand(0, 1);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) // --help, --version
      return app.exit(error);
    return complain(explain(app, error));
  }
  if (app.get_subcommands().empty())
    put_out(first_screen);
  return line.exit_code;
}

} // namespace

} // namespace drover::cli

int main(int count, char** words) {
  // A reader that goes away (`drover log 1 | head`) is told by the failing write.
  std::signal(SIGPIPE, SIG_IGN);
  return drover::cli::run(count, words);
}
