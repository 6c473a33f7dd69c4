// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/up.hpp"

#include "nodes/process.hpp"
#include "schema/limits.hpp"
#include "tools/drover/up_run.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace drover::cli {

namespace {

/// Becomes the program in `words` (the parent's process id, then its command line), bound to end
/// with that parent. Returns only if that fails.
int become_child(const std::vector<std::string>& words) {
  if (words.size() < 2)
    return 2;
  if (auto why = end_with_parent(static_cast<pid_t>(std::strtol(words[0].c_str(), nullptr, 10)))) {
    std::fprintf(stderr, "drover up: %s\n", why->text.c_str());
    return 1;
  }
  std::vector<char*> arguments;
  for (size_t word = 1; word < words.size(); ++word)
    arguments.push_back(const_cast<char*>(words[word].c_str())); // exec does not write to them
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  std::fprintf(stderr, "drover up: %s\n", system_failure("can't start " + words[1]).text.c_str());
  return 127;
}

} // namespace

void add_up(CLI::App& app, int& exit_code) {
  auto request = std::make_shared<up_request>();
  auto* up = app.add_subcommand("up", "Run a whole farm on this machine, until Ctrl-C or SIGTERM");
  up->footer("Example: drover up --dir my-farm --config farm.yaml --hosts 2");
  up->add_option("--dir", request->dir, "The farm's folder; made if it is not there")
    ->type_name("D")
    ->required();
  up->add_option(
    "--config", request->config,
    "farm.yaml to copy into the folder, with what it includes; else what the folder has, or a "
    "small default");
  up->add_option("--hosts", request->hosts,
                 "Start hosts h1 ... hN beside those of the config; else as the last time")
    ->type_name("N")
    ->check(CLI::Range(size_t{0}, limits::hosts_max));
  up->add_option("--slots", request->slots, "Builds at once on each of h1 ... hN")
    ->type_name("S")
    ->check(CLI::Range(1u, limits::slots_max));
  up->add_option("--step-user", request->step_user,
                 "Who steps are: none (you, as is usual here), auto, or a user's name; needs root; "
                 "else as the last time")
    ->type_name("USER");
  up->callback([request, &exit_code] { exit_code = run_up(*request); });

  auto words = std::make_shared<std::vector<std::string>>();
  auto* child = app.add_subcommand("up-child", "")->group(""); // hidden
  child->add_option("words", *words); // behind `--`, so that none of them is an option of ours
  child->callback([words, &exit_code] { exit_code = become_child(*words); });
}

} // namespace drover::cli
