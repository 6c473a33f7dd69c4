// SPDX-License-Identifier: Apache-2.0
#include "nodes/host_join.hpp"

#include "actors/edge/certify.hpp"
#include "actors/edge/enrolment_call.hpp"
#include "nodes/record_file.hpp"
#include "nodes/runtime.hpp"
#include "nodes/version.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

namespace drover {
namespace {

namespace fs = std::filesystem;

struct join_order {
  std::string address, token, name;
  std::string dir = host_folder_default;
  uint32_t slots = 1;
  bool run = false;
};

constexpr const char* options_file = "host.conf";

/// This machine's name up to the first dot.
std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0)
    return {};
  std::string whole{name.data()};
  return whole.substr(0, whole.find('.'));
}

host_call failed(int code, const std::string& why) {
  return {{}, code, why};
}

std::string keys_of(const std::string& dir) {
  return dir + "/keys";
}

/// One option a line, as CLI11 reads them: what `run` begins with.
std::string options_text(const join_order& order) {
  return fmt::format(
    "# How this machine works for its farm; written by `drover-host join`.\n"
    "name = \"{}\"\ncoordinator = \"{}\"\nslots = {}\ndir = \"{}\"\nkeys = \"{}\"\n",
    order.name, order.address, order.slots, order.dir, keys_of(order.dir));
}

std::optional<failure> write_options(const join_order& order) {
  auto problem = replace_file(order.dir, options_file, options_text(order), durability::synced);
  if (problem)
    problem->text += ": is the folder yours, and the disk not full?";
  return problem;
}

/// A folder whose path stands in a file of options in quotes.
bool has_plain_path(const std::string& dir) {
  return dir.find_first_of("\"\\\n") == std::string::npos;
}

std::optional<failure> make_folders(const std::string& dir) {
  std::error_code error;
  fs::create_directories(keys_of(dir), error);
  if (!error)
    fs::permissions(keys_of(dir), fs::perms::owner_all, error);
  if (error)
    return failure{ec::io,
                   dir + ": can't be made: " + error.message() + "; name another folder by --dir"};
  return std::nullopt;
}

std::optional<failure> join(join_order& order) {
  order.dir = fs::absolute(order.dir).lexically_normal().string();
  while (order.dir.size() > 1 && order.dir.back() == '/')
    order.dir.pop_back();
  if (!has_plain_path(order.dir) || !has_plain_path(order.address))
    return failure{ec::bad_input, "--dir and ADDRESS can't have quotes in them"};
  if (auto problem = name_problem("host", order.name))
    return failure{ec::bad_input, *problem + "; give another by --name"};
  auto token = parse_join_token(order.token);
  if (!token)
    return token.error();
  if (auto problem = make_folders(order.dir))
    return problem;
  auto files = host_key_files(keys_of(order.dir));
  if (fs::exists(files.certificate) && load_keys(files).ok()
      && fs::exists(order.dir + "/" + options_file))
    return failure{ec::conflict, order.dir
                                   + ": this host has joined a farm already; `drover-host"
                                     " run --dir "
                                   + order.dir
                                   + "` starts it, and another --dir makes"
                                     " a second host"};
  auto request = make_request(files.key);
  if (!request)
    return request.error();
  auto given = ask_to_join(order.address, token->fingerprint,
                           {token->secret, order.name, *request, program_version()});
  if (!given)
    return given.error();
  if (auto problem = keep_grant(keys_of(order.dir), *given))
    return problem;
  if (auto problem = write_options(order))
    return problem;
  std::printf("joined farm=%s name=%s fingerprint=%s certificate until %s\n", given->farm.c_str(),
              order.name.c_str(), token->fingerprint.c_str(), to_string(given->until).c_str());
  for (const auto& [key, value] : given->labels)
    std::printf("label %s=%s\n", printable(key, 80).c_str(), printable(value, 80).c_str());
  return std::nullopt;
}

int code_of(const failure& why) {
  switch (why.code) {
  case ec::bad_input:
  case ec::conflict:
    return exit_usage;
  case ec::unavailable:
    return 3; // CONTRACT.md: farm not reachable
  default:
    return 4; // refused
  }
}

} // namespace

host_call join_as_host(const std::vector<std::string>& words) {
  join_order order;
  order.name = machine_name();
  CLI::App app{"drover-host join: makes this machine a host of a farm.\n"
               "The farm's admin has the line to type from `drover admin token`."};
  app.add_option("ADDRESS", order.address, "HOST:PORT of the farm's coordinator")->required();
  app.add_option("TOKEN", order.token, "The invitation; names the farm, which has to prove itself")
    ->required();
  app.add_option("--name", order.name, "This host's name in the farm (else the machine's own)");
  app.add_option("--slots", order.slots, "Builds at once")
    ->check(CLI::Range(1u, limits::slots_max));
  app.add_option("--dir", order.dir, "Where its keys and its work are kept")
    ->default_val(order.dir);
  app.add_flag("--run", order.run, "Go on at once, as `drover-host run` does");
  try {
    app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
  } catch (const CLI::ParseError& error) {
    auto code = app.exit(error);
    return {{}, code == 0 ? 0 : exit_usage, {}};
  }
  if (auto problem = join(order))
    return failed(code_of(*problem), problem->text);
  if (!order.run) {
    std::printf("start it:     drover-host run --dir %s\n"
                "or for good, with the package drover-host: systemctl start drover-host\n",
                order.dir.c_str());
    return {};
  }
  return run_as_joined({"--dir", order.dir});
}

host_call run_as_joined(const std::vector<std::string>& words) {
  std::string dir = host_folder_default;
  std::vector<std::string> rest;
  for (size_t at = 0; at < words.size(); ++at) {
    if (words[at] == "--dir" && at + 1 < words.size())
      dir = words[++at];
    else if (words[at].starts_with("--dir="))
      dir = words[at].substr(std::string{"--dir="}.size());
    else
      rest.push_back(words[at]);
  }
  auto path = fs::absolute(dir).string() + "/" + options_file;
  std::error_code error;
  bool present = fs::exists(path, error);
  if (error)
    return failed(exit_usage, path + ": can't be looked at: " + error.message());
  if (!present)
    return failed(exit_usage, path
                                + ": is not there: `drover-host join` makes it; --dir names"
                                  " the folder");
  host_call out;
  out.arguments = {"--config", path};
  out.arguments.insert(out.arguments.end(), rest.begin(), rest.end());
  return out;
}

} // namespace drover
