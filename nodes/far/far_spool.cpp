// SPDX-License-Identifier: Apache-2.0
#include "nodes/far/far_spool.hpp"

#include "nodes/far/scripts.hpp"
#include "nodes/spool_folder.hpp"
#include "schema/limits.hpp"
#include "schema/limits_far.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace drover {
namespace {

namespace fs = std::filesystem;

std::optional<failure> spill(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text;
  file.close();
  if (!file)
    return io_failure(path, errno);
  return std::nullopt;
}

/// What ssh needs to find itself, the user's keys and its agent.
string_map near_environment(const keeper_order& order) {
  string_map kept;
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK"})
    if (const char* value = std::getenv(name))
      kept[name] = value;
  if (auto token = order.env.find(attempt_token_variable); token != order.env.end())
    kept.insert(*token); // finds what is left of it on this side
  return kept;
}

bool is_variable(const std::string& name) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9')
         && std::all_of(name.begin(), name.end(), fits);
}

/// The workspace's folder, above `work`.
std::string place_of(const keeper_order& order) {
  return fs::path{order.workspace}.parent_path().string();
}

int64_t whole_seconds(milliseconds time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

} // namespace

std::string far_step_script(const keeper_order& order, const std::string& local,
                            const std::string& far) {
  std::string text;
  for (const auto& [name, value] : order.env) {
    bool inside = value.compare(0, local.size() + 1, local + "/") == 0;
    text +=
      "export " + name + "=" + shell_word(inside ? far + value.substr(local.size()) : value) + "\n";
  }
  return text + "cd " + shell_word(far + "/work") + " || exit 126\nexec /bin/sh -c "
         + shell_word(order.run) + "\n";
}

far_spool::far_spool(const std::string& root, const std::string& keeper_program, std::string notes,
                     std::shared_ptr<const far_machine> far)
    : disk_spool{root, keeper_program}, notes_{std::move(notes)}, far_{std::move(far)} {
  fs::create_directories(notes_);
}

std::string far_spool::notes_of(const grant_token& token) const {
  return notes_ + "/" + folder_name(token);
}

std::optional<failure> far_spool::start(const keeper_order& order) {
  if (order.sandbox)
    return failure{ec::refused, "the step asks for a sandbox, which a machine by ssh can't give"};
  for (const auto& [name, value] : order.env)
    if (!is_variable(name))
      return failure{ec::bad_input, "no shell takes a variable called '"
                                      + printable(name, limits::name_bytes_max) + "'"};
  auto notes = notes_of(order.token);
  auto local = place_of(order);
  auto workspace = far_->workspace(fs::path{local}.filename().string());
  auto step = workspace + "/steps/" + folder_name(order.token);
  auto script = far_step_script(order, local, workspace);
  auto tools = far_script();
  auto deadline =
    whole_seconds(order.timeout) + whole_seconds(order.grace) + limits::far_deadline_slack.count();
  auto near =
    fmt::format("#!/bin/sh\nSSH={}\nTOOLS={}/far.sh\nTOOLS_BYTES={}\nWORKSPACE={}\nSTEP={}\n"
                "SCRIPT_BYTES={}\nLOCAL={}\nNOTES={}\nSECONDS_MAX={}\nGRACE={}\n",
                shell_word(far_->ssh()), workspace, tools.size(), workspace, step, script.size(),
                shell_word(local), shell_word(notes), deadline, limits::far_grace_seconds)
    + near_script();
  std::error_code error;
  fs::create_directories(notes, error);
  if (error)
    return failure{ec::io, notes + ": " + error.message()};
  for (const auto& [name, text] : {std::pair{"far.sh", tools}, std::pair{"script", script},
                                   std::pair{"near.sh", near}, std::pair{"whole", std::string{}}})
    if (auto problem = spill(notes + "/" + name, text))
      return problem;
  auto here = order;
  here.run = "exec /bin/sh " + shell_word(notes + "/near.sh");
  here.env = near_environment(order);
  here.limits = {};
  here.pty = false;
  here.user = here.group = 0;
  here.disk_folders = {};
  here.outputs = {}; // it is over there
  return disk_spool::start(here);
}

std::optional<keeper_exit> far_spool::exit_of(const grant_token& token) const {
  auto account = disk_spool::exit_of(token);
  std::ifstream lost{notes_of(token) + "/lost"};
  if (!account || account->outcome != result::failure || !lost)
    return account;
  std::string why;
  std::getline(lost, why);
  account->outcome = result::exception;
  account->exit_code = -1;
  account->reason = printable(why, limits::reason_bytes_max);
  return account;
}

std::optional<failure> far_spool::close(const grant_token& token, const keeper_exit& account) {
  auto problem = disk_spool::close(token, account);
  auto attempt = find(token);
  if (!attempt || !fs::exists(notes_of(token)))
    return problem;
  auto workspace =
    far_->workspace(to_string(token.attempt.build) + "-" + std::to_string(attempt->work.placement));
  auto done = far_->call(fmt::format("sh {}/far.sh kill {}/steps/{} {}", workspace, workspace,
                                     folder_name(token), limits::far_grace_seconds),
                         limits::ssh_connect_seconds + 2 * limits::far_grace_seconds);
  if (!done)
    spdlog::warn("attempt={} may run on over there until its time is over: {}",
                 to_string(token.attempt), done.error().text);
  return problem;
}

void far_spool::forget(const grant_token& token) {
  disk_spool::forget(token);
  std::error_code error;
  fs::remove_all(notes_of(token), error);
  if (error)
    spdlog::warn("{}: {}", notes_of(token), error.message());
}

} // namespace drover
