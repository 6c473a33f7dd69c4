// drover-host: one on each machine; joins the farm, runs steps through keepers that outlive it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/edge/loop.hpp"
#include "actors/host.hpp"
#include "nodes/agent_parent.hpp"
#include "nodes/disk_cache.hpp"
#include "nodes/disk_spool.hpp"
#include "nodes/disk_workspaces.hpp"
#include "nodes/folder_claim.hpp"
#include "nodes/host_facts.hpp"
#include "nodes/process.hpp"
#include "nodes/runtime.hpp"
#include "nodes/version.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <fmt/format.h>
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
  std::string step_user = "auto";
  std::string cgroups = "auto";
  std::optional<uint64_t> keep_free; ///< bytes of the disk
  pid_t agent_of = 0;                ///< the parent process; 0: this is the parent
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

/// Of a machine's id in names of cgroups: enough to tell hosts apart.
constexpr size_t machine_tag_bytes = 12;

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

/// Steps are somebody else: what they must not read is the agent's alone.
void close_keys(const std::string& keys) {
  std::error_code error;
  auto owner = std::filesystem::perms::owner_all;
  std::filesystem::permissions(keys, owner, error);
  if (error)
    stop_fatally("the keys in " + keys + " can't be closed to steps: " + error.message());
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

/// The program as the agent's parent: the same call, and whose child it is.
int run_parent(const options& chosen, int argc, char** argv) {
  if (auto problem = claim_folder(chosen.dir)) {
    spdlog::error("usage reason=\"{}\"", problem->text);
    return exit_usage;
  }
  agent_program agent;
  agent.arguments = {"/proc/self/exe"};
  agent.arguments.insert(agent.arguments.end(), argv + 1, argv + argc);
  agent.arguments.push_back("--agent-of=" + std::to_string(getpid()));
  agent.keeper = program_folder() + "/drover-keeper";
  return supervise_agent(agent);
}

int run(const options& chosen) {
  if (auto problem = end_with_parent(chosen.agent_of))
    stop_fatally(problem->text);
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
  // Each host of this machine has groups of its own, a copy of a host's folder too: whoever opens a
  // group ends what no keeper holds in it.
  auto means = open_cgroups(
    fmt::format("{}-{:x}", self.machine_id.substr(0, machine_tag_bytes), folder_number(dir)),
    chosen.cgroups == "none" ? cgroup_choice::none : cgroup_choice::best);
  auto users = step_users::open(chosen.step_user, dir + "/workspaces");
  if (!users) {
    spdlog::error("usage reason=\"{}\"", users.error().text);
    return exit_usage;
  }
  add_step_facts(self.facts, means, *users);
  if (users->what() != step_users::kind::of_agent)
    close_keys(chosen.keys);
  spdlog::info("cgroup=\"{}\" step_limits=\"{}\" steps_run_as=\"{}\"", means.kind,
               self.facts["step_limits"], users->text());
  spdlog::info("host starts host={} slots={} version={}", chosen.name, chosen.slots,
               program_version());
  actor_settings actor_system_settings;
  caf::actor_system system{actor_system_settings};
  {
    edge_loop loop{system};
    host_settings settings;
    settings.self = std::move(self);
    settings.spool =
      std::make_shared<disk_spool>(dir + "/spool", program_folder() + "/drover-keeper", means.base);
    workspace_bounds bounds;
    bounds.keep_free = chosen.keep_free;
    settings.workspaces = std::make_shared<disk_workspaces>(dir + "/workspaces", bounds, *users);
    disk_cache_bounds cache_bounds;
    cache_bounds.keep_free = chosen.keep_free;
    settings.cache = std::make_shared<disk_cache>(dir + "/cache", dir + "/spool", cache_bounds);
    settings.connect = make_connector(loop, {chosen.coordinator, host_key_files(chosen.keys)});
    settings.clock = system_wall_clock();
    settings.seed = random_number();
    settings.base_env = base_environment();
    settings.fatal = [](const std::string& why) { stop_fatally(why); };
    settings.restart = [](const std::string& why) { stop_for_restart(why); };
    auto actors = spawn_host(system, settings);
    send_signal(chosen.agent_of, agent_ready_signal);
    auto signal = wait_for_stop();
    spdlog::info("host stops signal={}; running steps go on", signal);
    stop_host(actors);
    actors = {};
    settings = {};
    loop.stop();
  }
  system.await_all_actors_done();
  leave_cgroups(means.base);
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
  app.add_option("--step-user", chosen.step_user,
                 "who steps are: a user, none (as this program), or auto (somebody else, if root)");
  app.add_option("--cgroups", chosen.cgroups, "none: do without control groups")
    ->check(CLI::IsMember({"auto", "none"}));
  app
    .add_option("--keep-free", chosen.keep_free,
                "SIZE of the disk to keep free, as 20GiB; else 5 % of it, at most 10 GiB")
    ->transform(CLI::AsSizeValue(false));
  app.add_option("--agent-of", chosen.agent_of)->group(""); // by the parent alone
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : drover::exit_usage;
  }
  drover::start_runtime("drover-host");
  try {
    return chosen.agent_of == 0 ? drover::run_parent(chosen, argc, argv) : drover::run(chosen);
  } catch (const std::exception& error) {
    drover::stop_fatally(error.what());
  }
}
