// drover-host: one on each machine; joins the farm, runs steps through keepers that outlive it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/edge/loop.hpp"
#include "actors/edge/renewal.hpp"
#include "actors/host.hpp"
#include "nodes/agent_parent.hpp"
#include "nodes/disk_cache.hpp"
#include "nodes/disk_spool.hpp"
#include "nodes/disk_workspaces.hpp"
#include "nodes/far/far_host.hpp"
#include "nodes/folder_claim.hpp"
#include "nodes/host_facts.hpp"
#include "nodes/host_join.hpp"
#include "nodes/owner_file.hpp"
#include "nodes/process.hpp"
#include "nodes/runtime.hpp"
#include "nodes/version.hpp"
#include "nodes/vital_signs.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
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
  std::vector<std::string> programs; ///< to look for, beside those that are always looked for
  std::string step_user = "auto";
  std::string cgroups = "auto";
  std::optional<uint64_t> keep_free; ///< bytes of the disk
  std::string owner;                 ///< file of the machine's owner; empty: owner.yaml in `dir`
  std::string via;        ///< ssh://... of the machine that steps run on; empty: this one
  std::string ssh_config; ///< for `ssh -F`
  pid_t agent_of = 0;     ///< the parent process; 0: this is the parent
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
  self.facts = probe_facts(chosen.dir, chosen.programs);
  return self;
}

/// The machine that steps run on, if that is not this one; then the facts become its own.
expected<std::shared_ptr<const far_machine>>
reach_far_machine(const options& chosen, const std::string& dir, host_facts& facts) {
  if (chosen.via.empty())
    return std::shared_ptr<const far_machine>{};
  auto far = open_far_machine({chosen.via, chosen.name, dir, chosen.ssh_config});
  if (!far)
    return far;
  auto there = far_facts(**far, dir);
  if (!there)
    stop_fatally(there.error().text);
  facts = *there;
  return far;
}

/// The program as the agent's parent: the same call, and whose child it is.
int run_parent(const options& chosen, const std::vector<std::string>& words) {
  if (auto problem = claim_folder(chosen.dir)) {
    spdlog::error("usage reason=\"{}\"", problem->text);
    return exit_usage;
  }
  agent_program agent;
  agent.arguments = {"/proc/self/exe"};
  agent.arguments.insert(agent.arguments.end(), words.begin(), words.end());
  agent.arguments.push_back("--agent-of=" + std::to_string(getpid()));
  agent.keeper = program_folder() + "/drover-keeper";
  return supervise_agent(agent);
}

/// What a host is made from once its options and its machine have been looked at.
struct machine {
  std::string dir;
  hello self;
  cgroup_means means;
  step_users users;
  std::string owner_file;
  core::owner_rules owner;
  std::shared_ptr<const far_machine> far; ///< where steps run; none: here
};

void work_until_stopped(caf::actor_system& system, const options& chosen, const machine& here) {
  edge_loop loop{system};
  host_settings settings;
  settings.self = here.self;
  settings.spool = std::make_shared<disk_spool>(
    here.dir + "/spool", program_folder() + "/drover-keeper", here.means.base);
  workspace_bounds bounds;
  bounds.keep_free = chosen.keep_free;
  settings.workspaces =
    std::make_shared<disk_workspaces>(here.dir + "/workspaces", bounds, here.users);
  disk_cache_bounds cache_bounds;
  cache_bounds.keep_free = chosen.keep_free;
  settings.cache =
    std::make_shared<disk_cache>(here.dir + "/cache", here.dir + "/spool", cache_bounds);
  settings.connect = make_connector(loop, {chosen.coordinator, host_key_files(chosen.keys)});
  settings.clock = system_wall_clock();
  settings.seed = random_number();
  settings.base_env = base_environment();
  settings.fatal = [](const std::string& why) { stop_fatally(why); };
  bool has_compiler = settings.self.facts.contains("gcc");
  settings.vital_signs = [folder = here.dir, has_compiler] {
    return read_vital_signs(folder, has_compiler);
  };
  // Its compiler is tried a moment later: an agent that restarts is to be back at once.
  settings.trouble = core::trouble_of(read_vital_signs(here.dir, false), false);
  if (here.far)
    work_by_ssh(settings, here.far, here.dir, program_folder() + "/drover-keeper");
  settings.restart = [](const std::string& why) { stop_for_restart(why); };
  auto actors = spawn_host(system, settings);
  renewal_settings renewing{{chosen.coordinator, host_key_files(chosen.keys)},
                            chosen.keys,
                            chosen.name,
                            program_version(),
                            system_wall_clock()};
  auto watch = spawn_owner_watch(system, here.owner_file, here.owner, actors.agent);
  caf::anon_send(actors.census, enlistment{"owner_watch", "owner_watch", "host_agent", watch});
  auto renewed = std::make_unique<renewal>(loop, renewing);
  send_signal(chosen.agent_of, agent_ready_signal);
  auto signal = wait_for_stop();
  spdlog::info("host stops signal={}; running steps go on", signal);
  renewed.reset();
  caf::anon_send_exit(watch, caf::exit_reason::user_shutdown);
  watch = nullptr;
  stop_host(actors);
  actors = {};
  settings = {};
  loop.stop();
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
  auto owner_file = chosen.owner.empty() ? dir + "/owner.yaml" : chosen.owner;
  auto owner = read_owner_rules(owner_file);
  if (!owner) {
    spdlog::error("usage reason=\"{}\"", owner.error().text);
    return exit_usage;
  }
  be_nice(owner->nice);
  auto self = introduce(chosen);
  auto far = reach_far_machine(chosen, dir, self.facts);
  if (!far) {
    spdlog::error("usage reason=\"{}\"", far.error().text);
    return exit_usage;
  }
  if (!add_labels(self.facts, chosen.labels)) {
    spdlog::error("usage reason=\"--label takes NAME=VALUE\"");
    return exit_usage;
  }
  // Each host of this machine has groups of its own, a copy of a host's folder too: whoever opens a
  // group ends what no keeper holds in it.
  auto means = open_cgroups(
    fmt::format("{}-{:x}", self.machine_id.substr(0, machine_tag_bytes), folder_number(dir)),
    chosen.cgroups == "none" || *far ? cgroup_choice::none : cgroup_choice::best);
  auto users = step_users::open(*far ? "none" : chosen.step_user, dir + "/workspaces");
  if (!users) {
    spdlog::error("usage reason=\"{}\"", users.error().text);
    return exit_usage;
  }
  if (!*far)
    add_step_facts(self.facts, means, *users);
  if (!*far && !subreapers_work())
    self.facts["subreaper"] = "no"; // only control groups find what a step leaves behind
  for (const auto& [name, value] : owner_facts_now(*owner))
    if (!value.empty())
      self.facts[name] = value;
  if (users->what() != step_users::kind::of_agent)
    close_keys(chosen.keys);
  spdlog::info("cgroup=\"{}\" step_limits=\"{}\" steps_run_as=\"{}\"", means.kind,
               self.facts["step_limits"], users->text());
  spdlog::info("host starts host={} slots={} version={}", chosen.name, chosen.slots,
               program_version());
  actor_settings actor_system_settings;
  caf::actor_system system{actor_system_settings};
  machine here{dir, std::move(self), means, *users, owner_file, *owner, *far};
  work_until_stopped(system, chosen, here);
  system.await_all_actors_done();
  leave_cgroups(means.base);
  return 0;
}

} // namespace
} // namespace drover

int main(int argc, char** argv) {
  std::vector<std::string> words{argv + 1, argv + argc};
  if (!words.empty() && (words[0] == "join" || words[0] == "run")) {
    std::vector<std::string> rest{words.begin() + 1, words.end()};
    auto call = words[0] == "join" ? drover::join_as_host(rest) : drover::run_as_joined(rest);
    if (!call.problem.empty())
      std::fprintf(stderr, "drover-host: %s\n", call.problem.c_str());
    if (call.arguments.empty())
      return call.exit_code;
    words = call.arguments;
  }
  drover::options chosen;
  CLI::App app{
    "drover-host: runs a farm's steps on this machine.\n"
    "`drover-host join ADDRESS TOKEN` makes it a host of a farm, `drover-host run` starts"
    " it.\n"
    "What follows is how `drover up` and systemd start it."};
  app.set_version_flag("--version", drover::program_version());
  app.add_option("--name", chosen.name, "this host's name, as in its certificate")->required();
  app.add_option("--dir", chosen.dir, "its state: spool and workspaces")->required();
  app.add_option("--coordinator", chosen.coordinator, "HOST:PORT of the coordinator")->required();
  app.add_option("--keys", chosen.keys, "folder with ca.crt, host.crt, host.key")->required();
  app.add_option("--slots", chosen.slots, "builds at once")
    ->check(CLI::Range(1u, drover::limits::slots_max));
  app.add_option("--label", chosen.labels, "NAME=VALUE, shown and matched like a fact");
  app
    .add_option("--probe-program", chosen.programs,
                "NAME of a program whose version is to be a fact, as latex; again for more")
    ->check([](const std::string& name) {
      return drover::valid_name(name) ? std::string{} : "'" + name + "' is no program's name";
    });
  app.add_option("--step-user", chosen.step_user,
                 "who steps are: a user, none (as this program), or auto (somebody else, if root)");
  app.add_option("--cgroups", chosen.cgroups, "none: do without control groups")
    ->check(CLI::IsMember({"auto", "none"}));
  app
    .add_option("--keep-free", chosen.keep_free,
                "SIZE of the disk to keep free, as 20GiB; else 5 % of it, at most 10 GiB")
    ->transform(CLI::AsSizeValue(false))
    ->envname("DROVER_KEEP_FREE");
  app.add_option("--owner", chosen.owner,
                 "FILE in which the machine's owner says what is allowed (DIR/owner.yaml)");
  app.add_option("--via", chosen.via,
                 "ssh://USER@HOST[:PORT]/PATH of a machine without an agent: steps run there");
  app.add_option("--ssh-config", chosen.ssh_config,
                 "FILE of ssh's settings for that; else the user's own");
  app.set_config("--config", "", "a file of these options, as `drover-host join` writes it");
  app.add_option("--agent-of", chosen.agent_of)->group(""); // by the parent alone
  try {
    app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : drover::exit_usage;
  }
  drover::start_runtime("drover-host");
  try {
    return chosen.agent_of == 0 ? drover::run_parent(chosen, words) : drover::run(chosen);
  } catch (const std::exception& error) {
    drover::stop_fatally(error.what());
  }
}
