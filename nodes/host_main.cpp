// drover-host: one on each machine; joins the farm, runs steps through keepers that outlive it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/edge/loop.hpp"
#include "actors/host.hpp"
#include "nodes/disk_spool.hpp"
#include "nodes/disk_workspaces.hpp"
#include "nodes/host_facts.hpp"
#include "nodes/runtime.hpp"
#include "nodes/version.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace drover {
namespace {

struct options {
  std::string name;
  std::string dir;
  std::string coordinator;
  std::string keys;
  uint32_t slots = 1;
  std::vector<std::string> labels;
};

/// What a step inherits from the agent's environment: enough to find programs and a home, no
/// secrets.
string_map base_environment() {
  string_map kept{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                  {"LANG", "C.UTF-8"}};
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL", "TZ"})
    if (const char* value = std::getenv(name))
      kept[name] = value;
  return kept;
}

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, id);
  return id;
}

/// "class=fast" as a fact; a malformed one is an error of usage.
bool add_labels(host_facts& facts, const std::vector<std::string>& labels) {
  for (const auto& label : labels) {
    auto split = label.find('=');
    if (split == 0 || split == std::string::npos)
      return false;
    facts[label.substr(0, split)] = label.substr(split + 1);
  }
  return true;
}

hello introduce(const options& chosen) {
  hello self;
  self.host = {chosen.name};
  auto machine = machine_id(chosen.dir);
  if (!machine)
    stop_fatally(machine.error().text);
  self.machine_id = *machine;
  self.boot_id = boot_id();
  self.agent_incarnation = random_number();
  self.version = program_version();
  self.slots = chosen.slots;
  self.facts = probe_facts(chosen.dir);
  return self;
}

int run(const options& chosen) {
  if (auto problem = name_problem("host", chosen.name)) {
    spdlog::error("usage reason=\"{}\"", *problem);
    return exit_usage;
  }
  auto dir = std::filesystem::absolute(chosen.dir).string();
  std::filesystem::create_directories(dir);
  auto self = introduce(chosen);
  if (!add_labels(self.facts, chosen.labels)) {
    spdlog::error("usage reason=\"--label takes NAME=VALUE\"");
    return exit_usage;
  }
  spdlog::info("host starts host={} slots={} version={}", chosen.name, chosen.slots,
               program_version());
  actor_settings actor_system_settings;
  caf::actor_system system{actor_system_settings};
  {
    edge_loop loop{system};
    host_settings settings;
    settings.self = std::move(self);
    settings.spool =
      std::make_shared<disk_spool>(dir + "/spool", program_folder() + "/drover-keeper");
    settings.workspaces = std::make_shared<disk_workspaces>(dir + "/workspaces");
    settings.connect = make_connector(loop, {chosen.coordinator, host_key_files(chosen.keys)});
    settings.clock = system_wall_clock();
    settings.seed = random_number();
    settings.base_env = base_environment();
    settings.fatal = [](const std::string& why) { stop_fatally(why); };
    auto actors = spawn_host(system, settings);
    auto signal = wait_for_stop();
    spdlog::info("host stops signal={}; running steps go on", signal);
    stop_host(actors);
    actors = {};
    settings = {};
    loop.stop();
  }
  system.await_all_actors_done();
  return 0;
}

} // namespace
} // namespace drover

int main(int argc, char** argv) {
  drover::options chosen;
  CLI::App app{"drover-host: runs a farm's steps on this machine.\n"
               "Usually started by `drover up` or by systemd."};
  app.set_version_flag("--version", drover::program_version());
  app.add_option("--name", chosen.name, "this host's name, as in its certificate")->required();
  app.add_option("--dir", chosen.dir, "its state: spool and workspaces")->required();
  app.add_option("--coordinator", chosen.coordinator, "HOST:PORT of the coordinator")->required();
  app.add_option("--keys", chosen.keys, "folder with ca.crt, host.crt, host.key")->required();
  app.add_option("--slots", chosen.slots, "builds at once")
    ->check(CLI::Range(1u, drover::limits::slots_max));
  app.add_option("--label", chosen.labels, "NAME=VALUE, shown and matched like a fact");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : drover::exit_usage;
  }
  drover::start_runtime("drover-host");
  try {
    return drover::run(chosen);
  } catch (const std::exception& error) {
    drover::stop_fatally(error.what());
  }
}
