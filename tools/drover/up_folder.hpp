#pragma once
// The folder of a farm made by `drover up`: who lives where in it, and who may use it.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/process.hpp"
#include "schema/error.hpp"
#include "schema/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drover::cli {

/// Paths of CONTRACT.md, "The store on a farm made by `drover up`". All absolute.
struct farm_folder {
  std::string top;

  std::string config() const { return top + "/farm.yaml"; }
  std::string coordinator() const { return top + "/coordinator"; }
  std::string farm_keys() const { return coordinator() + "/keys"; }
  std::string listen_file() const { return coordinator() + "/listen"; }
  std::string web_file() const { return coordinator() + "/web"; }
  std::string choice_file() const { return top + "/up.choice"; }
  /// The folder of the configuration that was installed: relative paths in it are from there.
  std::string origin_file() const { return top + "/up.origin"; }
  std::string host(const std::string& name) const { return top + "/hosts/" + name; }
  std::string host_keys(const std::string& name) const { return host(name) + "/keys"; }
  std::string log(const std::string& program) const { return top + "/logs/" + program + ".log"; }
  std::string pid(const std::string& program) const { return top + "/pids/" + program + ".pid"; }
  std::string socket() const { return top + "/drover.sock"; }
};

/// Makes `dir` and its folders; those that are there stay as they are.
expected<farm_folder> make_farm_folder(const std::string& dir);

/// Holds the folder for this process as long as the lock lives; an error that names the process
/// if another one holds it.
expected<owned_fd> lock_farm_folder(const farm_folder& farm);

/// Writes a small commented farm.yaml if there is none.
std::optional<failure> install_default_config(const farm_folder& farm);

/// Remembers the folder that the configuration's relative paths are from.
std::optional<failure> remember_origin(const farm_folder& farm, const std::string& config);
/// That folder, or the farm's own.
std::string origin_of(const farm_folder& farm);

/// Puts a configuration in place that was read elsewhere: `files` by their paths from the folder of
/// `main`, which becomes farm.yaml. Files that the farm's config included until now and does not
/// any more are removed, so that no pattern finds them.
std::optional<failure> install_files(const farm_folder& farm, const string_map& files,
                                     const std::string& main, const string_map& until_now);

/// The address on which hosts reach the coordinator: the same one in each life of the farm unless
/// another program has taken its port.
expected<std::string> choose_listen_address(const farm_folder& farm);
/// The same for browsers; another one than that of the hosts, which nobody listens on yet.
expected<std::string> choose_web_address(const farm_folder& farm, const std::string& listen);

/// What was asked of `drover up` about its hosts; not set: nothing was.
struct host_choice {
  std::optional<uint32_t> hosts;
  std::optional<uint32_t> slots;
  std::optional<std::string> step_user;
  friend bool operator==(const host_choice&, const host_choice&) = default;
};

/// `asked`, and for what it leaves open what was asked the last time: a farm that is started again
/// has the hosts that it had. The outcome is remembered in the folder.
expected<host_choice> settle_choice(const farm_folder& farm, host_choice asked);

/// The hosts to start: those of the config, with h1 to h`count` among or beside them. `slots`
/// counts for h1 to h`count`. Without `count`, a config without hosts gets one.
std::vector<host_spec> plan_hosts(const farm_config& config, std::optional<uint32_t> count,
                                  std::optional<uint32_t> slots);

/// Replaces the file in one step, so that a reader sees the old text or the new one.
std::optional<failure> write_file(const std::string& path, const std::string& text);

} // namespace drover::cli
