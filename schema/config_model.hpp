#pragma once
// What a configuration says, as plain values (docs/CONFIG.md). No behaviour, no I/O.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace drover {

using std::chrono::milliseconds;
using string_map = std::map<std::string, std::string>;

enum class source_kind : uint8_t { none = 0, tarball = 1, hg = 2, git = 3, set = 4 };

/// What all processes of a step together may use; 0: the default of schema/limits.hpp, or no bound.
struct step_limits {
  uint64_t memory = 0; ///< bytes
  uint32_t pids = 0;   ///< processes and threads at once
  uint32_t cpus = 0;   ///< cores' worth of time
  uint64_t log = 0;    ///< bytes printed
  uint64_t disk = 0;   ///< bytes in the workspace, $DROVER_OUT and $TMPDIR
  uint32_t files = 0;  ///< open in one process
  friend bool operator==(const step_limits&, const step_limits&) = default;
};

struct step_spec {
  std::string name;
  std::string run; ///< a script for /bin/sh
  string_map env;
  milliseconds timeout{0};        ///< 0: limits::step_timeout_default
  milliseconds silence{0};        ///< 0: limits::step_silence_default
  std::vector<std::string> tests; ///< empty, {"auto"}, or names of report files
  bool exclusive = false;
  bool always = false;    ///< runs although an earlier step failed
  bool warn_only = false; ///< its failure makes the build `warnings`
  step_limits limits = {};
  bool sandbox = false; ///< no network, nothing but the workspace to write to
  bool pty = false;     ///< its output is a terminal's, for programs that behave otherwise else
  friend bool operator==(const step_spec&, const step_spec&) = default;
};

enum class placement_kind : uint8_t { any = 0, each_host = 1, each_class = 2 };

struct placement_spec {
  placement_kind kind = placement_kind::any;
  std::vector<std::string> class_keys; ///< facts or labels, for each_class
  friend bool operator==(const placement_spec&, const placement_spec&) = default;
};

/// What a parameter's value may be; a value is text all the same. Numbers are stored: never reuse
/// one.
enum class param_kind : uint8_t { text = 0, choice = 1, number = 2, yes_no = 3 };

/// A parameter that people may set when they submit; the steps see it in their environment.
struct param_spec {
  std::string name;
  param_kind kind = param_kind::text;
  std::string fallback;             ///< the value if none is given
  bool required = false;            ///< must be given; there is no fallback
  std::vector<std::string> choices; ///< for `choice`: the values that are allowed
  std::string about;                ///< for people, one line
  friend bool operator==(const param_spec&, const param_spec&) = default;
};

struct builder_spec {
  std::string name;
  std::string source; ///< a source's name; empty: what the submission names, or nothing
  placement_spec on;
  std::string requirement; ///< see schema/requirement.hpp; empty: any host serves
  std::vector<step_spec> steps;
  std::vector<std::string> artifacts; ///< globs below the workspace
  std::vector<param_spec> params;     ///< by name; none: a submission may give any
  friend bool operator==(const builder_spec&, const builder_spec&) = default;
};

/// Commands of the farm's own that bring a host back, run on the coordinator's machine by /bin/sh;
/// empty: there is none.
struct restart_commands {
  std::string agent;  ///< starts drover-host again: ssh, systemctl
  std::string reboot; ///< of the whole machine
  std::string power;  ///< by IPMI, a switchable socket, a hypervisor
  friend bool operator==(const restart_commands&, const restart_commands&) = default;
};

struct host_spec {
  std::string name;
  uint32_t slots = 1;
  string_map labels;
  restart_commands restart = {};
  friend bool operator==(const host_spec&, const host_spec&) = default;
};

struct source_spec {
  std::string name;
  source_kind kind = source_kind::none;
  std::string location; ///< folder or URL
  std::string match;    ///< for tarballs
  std::vector<std::string> branches;
  milliseconds every{0};
  friend bool operator==(const source_spec&, const source_spec&) = default;
};

struct reporter_spec {
  std::string name;
  std::string kind; ///< "mail", "irc", "webhook"
  std::string address;
  string_map settings;         ///< from, nick, secret_file ...
  std::vector<std::string> to; ///< addresses or channels
  std::vector<std::string> on; ///< problem, recovery, finished ...
  friend bool operator==(const reporter_spec&, const reporter_spec&) = default;
};

struct user_spec {
  std::string name;
  std::vector<std::string> roles; ///< "viewer", "operator", "admin"
  friend bool operator==(const user_spec&, const user_spec&) = default;
};

/// Bounds that an operator may set below those of schema/limits.hpp; 0: as there.
struct limits_spec {
  uint64_t log_per_step = 0;        ///< bytes
  uint64_t artifacts_per_build = 0; ///< bytes, all files together
  friend bool operator==(const limits_spec&, const limits_spec&) = default;
};

struct farm_config {
  std::string farm;
  std::vector<host_spec> hosts;
  std::vector<source_spec> sources;
  std::vector<builder_spec> builders;
  std::vector<reporter_spec> reporters;
  std::vector<user_spec> users;
  limits_spec limits;
  friend bool operator==(const farm_config&, const farm_config&) = default;
};

} // namespace drover
