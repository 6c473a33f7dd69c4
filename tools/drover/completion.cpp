// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/completion.hpp"

#include "schema/limits_cli.hpp"
#include "tools/drover/journal.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace drover::cli {

namespace {

bool begins_with(const std::string& text, const std::string& with) {
  return text.compare(0, with.size(), with) == 0;
}

/// Where the words so far have led.
struct walk {
  const CLI::App* at = nullptr;
  std::vector<std::string> given;     ///< positional words of `at`
  const CLI::Option* wants = nullptr; ///< an option whose value comes next
};

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; }))
    if (each->get_name() == name && !each->get_group().empty())
      return each;
  return nullptr;
}

/// Of this command or of those above it: options fall through.
const CLI::Option* find_option(const CLI::App* app, const std::string& name) {
  for (; app; app = app->get_parent())
    for (const auto* each : app->get_options())
      if (!each->get_positional() && each->check_name(name))
        return each;
  return nullptr;
}

walk follow(const CLI::App& app, const std::vector<std::string>& words) {
  walk out{&app, {}, nullptr};
  for (const auto& word : words) {
    if (std::exchange(out.wants, nullptr))
      continue; // it was the option's value
    if (begins_with(word, "-")) {
      const auto* option = find_option(out.at, word.substr(0, word.find('=')));
      if (option && option->get_expected_max() > 0 && word.find('=') == std::string::npos)
        out.wants = option;
      continue;
    }
    if (const auto* deeper = out.given.empty() ? find_command(*out.at, word) : nullptr)
      out.at = deeper;
    else
      out.given.push_back(word);
  }
  return out;
}

std::string type_of(const CLI::Option& option) {
  auto type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::vector<offer> options_of(const CLI::App* app) {
  std::vector<offer> out;
  for (; app; app = app->get_parent())
    for (const auto* each : app->get_options())
      if (!each->get_positional())
        for (const auto& name : each->get_lnames())
          if (std::none_of(out.begin(), out.end(),
                           [&](const offer& known) { return known.word == "--" + name; }))
            out.push_back({"--" + name, each->get_description()});
  return out;
}

std::vector<offer> fixed_words(const std::string& kind) {
  static const std::map<std::string, std::vector<std::string>> words{
    {"ACTION", {"drain", "pause", "resume", "restart", "forget"}},
    {"STATE", {"queued", "waiting", "running", "finished"}},
    {"ROLE", {"view", "force", "admin"}},
    {"SHELL", {"bash", "zsh", "fish"}},
    {"WHEN", {"auto", "never", "always"}},
  };
  std::vector<offer> out;
  auto found = words.find(kind);
  if (found != words.end())
    for (const auto& word : found->second)
      out.push_back({word, ""});
  if (kind == "KIND")
    for (auto& word : event_kinds())
      out.push_back({std::move(word), ""});
  return out;
}

/// The names in one of the farm's lists.
std::vector<offer> names_in(client& farm, const std::string& target, const char* list,
                            const char* about) {
  std::vector<offer> out;
  auto answer = fetch(farm, target);
  if (!answer)
    return out;
  for (const auto& each : field_list(*answer, list))
    out.push_back({field_text(each, "name", field_text(each, "path", field_text(each, "id", ""))),
                   field_text(each, about, "")});
  return out;
}

std::vector<offer> builds_of(client& farm) {
  std::vector<offer> out;
  auto answer = fetch(
    farm, with_params(route({"builds"}), {{"limit", std::to_string(limits::completion_rows)}}));
  if (!answer)
    return out;
  for (const auto& each : field_list(*answer, "builds"))
    out.push_back({field_text(each, "id", ""),
                   field_text(each, "builder", "") + " " + verdict_cell(each).text});
  return out;
}

std::vector<offer> farm_words(client& farm, const completion_place& place) {
  auto hosts = [&] { return names_in(farm, route({"hosts"}), "hosts", "state"); };
  if (place.kind == "BUILDER")
    return names_in(farm, route({"builders"}), "builders", "on");
  if (place.kind == "HOST" || (place.kind == "NAME" && place.command == "host"))
    return hosts();
  if (place.kind == "NAME" && place.command == "actor")
    return names_in(farm, route({"actors"}), "actors", "kind");
  if (place.kind == "ID" && place.command == "campaign")
    return names_in(farm, route({"campaigns"}), "campaigns", "state");
  if (place.kind == "ID")
    return builds_of(farm);
  if (place.kind == "TOKEN")
    return names_in(farm, route({"tokens"}), "tokens", "role");
  if (place.kind == "STEP" && !place.build.empty())
    return names_in(farm, route({"builds", place.build}), "steps", "state");
  if (place.kind == "PATH" && !place.build.empty())
    return names_in(farm, route({"builds", place.build, "artifacts"}), "artifacts", "size");
  std::vector<offer> out;
  if (place.kind == "NODE" || place.kind == "ID-or-HOST")
    out = hosts();
  if (place.kind == "NODE")
    out.push_back({"coordinator", ""});
  if (place.kind == "ID-or-HOST")
    for (auto& each : builds_of(farm))
      out.push_back(std::move(each));
  return out;
}

/// The bound, whatever the farm or the network does: the shell gets what was printed until then.
void end_in_time() {
  struct sigaction how {};
  how.sa_handler = [](int) { ::_exit(0); };
  ::sigaction(SIGALRM, &how, nullptr);
  itimerval bound{};
  bound.it_value.tv_usec =
    std::chrono::duration_cast<std::chrono::microseconds>(limits::completion_bound).count();
  ::setitimer(ITIMER_REAL, &bound, nullptr);
}

/// What can't be typed is not offered; a tab or a newline would be taken for the script's own.
bool fit(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c != 0x7f;
  });
}

void print(const std::vector<offer>& offers, const std::string& begun) {
  std::string out;
  for (const auto& each : offers)
    if (fit(each.word) && begins_with(each.word, begun)) {
      auto about = each.about;
      std::replace_if(
        about.begin(), about.end(), [](unsigned char c) { return c < ' '; }, ' ');
      out += each.word + "\t" + about + "\n";
    }
  put_out(out);
}

} // namespace

completion_place find_place(const CLI::App& app, const std::vector<std::string>& words) {
  completion_place out;
  auto typed = words.empty() ? std::string{} : words.back();
  auto before = words;
  if (!before.empty())
    before.pop_back();
  auto where = follow(app, before);
  out.command = where.at->get_name();
  out.build = where.given.empty() ? "" : where.given.front();
  if (where.wants) {
    out.kind = type_of(*where.wants);
    out.offers = fixed_words(out.kind);
    return out;
  }
  if (begins_with(typed, "-")) {
    out.offers = options_of(where.at);
    return out;
  }
  if (where.given.empty())
    for (const auto* each : where.at->get_subcommands([](const CLI::App*) { return true; }))
      if (!each->get_group().empty())
        out.offers.push_back({each->get_name(), each->get_description()});
  size_t number = 0;
  for (const auto* each : where.at->get_options())
    if (each->get_positional()
        && (number++ == where.given.size() || each->get_expected_max() > 1)) {
      out.kind = each->get_name(true);
      out.offers = fixed_words(out.kind);
    }
  return out;
}

int complete_words(const CLI::App& app, const std::vector<std::string>& words) {
  end_in_time();
  auto place = find_place(app, words);
  auto begun = words.empty() ? "" : words.back();
  if (!place.offers.empty() || place.kind.empty()) {
    print(place.offers, begun);
    return exits::green;
  }
  command_line line;
  for (size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "--farm")
      line.farm = words[i + 1];
  auto farm = open_farm(line);
  if (farm)
    print(farm_words(*farm, place), begun);
  return exits::green;
}

void add_completion(CLI::App& app, command_line& line) {
  auto shell = std::make_shared<std::string>();
  auto* command =
    app.add_subcommand("completion", "A script that completes commands, builders, hosts and ids")
      ->group(groups::shell);
  command->footer(
    "Example: drover completion bash\n\n"
    "bash: drover completion bash > ~/.local/share/bash-completion/completions/drover\n"
    "zsh:  drover completion zsh > ~/.zfunc/_drover   (with ~/.zfunc in $fpath)\n"
    "fish: drover completion fish > ~/.config/fish/completions/drover.fish");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
    ->required()
    ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &line] {
    auto script = completion_script(*shell);
    line.exit_code = script && put_out(*script) ? exits::green : exits::usage;
  });
}

} // namespace drover::cli
