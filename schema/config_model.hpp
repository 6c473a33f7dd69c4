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

/// `timer` is a kind of sources alone: what is built at its times has the kind of the source that
/// it is `of`, or none.
enum class source_kind : uint8_t { none = 0, tarball = 1, hg = 2, git = 3, set = 4, timer = 5 };

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

/// What lets a step's result stand for a later run of the same step: equal command, environment,
/// inputs and facts. Outputs are files of the workspace that a hit puts back.
struct cache_spec {
  bool on = false;
  std::vector<std::string> inputs;  ///< globs below the workspace; empty: the source as a whole
  std::vector<std::string> facts;   ///< names of facts of the host that must be equal
  std::vector<std::string> outputs; ///< globs below the workspace
  friend bool operator==(const cache_spec&, const cache_spec&) = default;
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
  cache_spec cache = {};
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

/// How long artifacts are kept; what is not set does not bound. The newest green build's stay.
struct retention_spec {
  milliseconds age{0};    ///< since the build ended
  uint64_t budget = 0;    ///< bytes of all artifacts together; the oldest go first
  uint32_t keep_last = 0; ///< builds whose artifacts stay whatever the others say
  friend bool operator==(const retention_spec&, const retention_spec&) = default;
};

struct builder_spec {
  std::string name;
  std::string source; ///< a source's name; empty: what the submission names, or nothing
  placement_spec on;
  std::string requirement; ///< see schema/requirement.hpp; empty: any host serves
  std::vector<step_spec> steps;
  std::vector<std::string> artifacts; ///< globs below the workspace
  std::vector<param_spec> params;     ///< by name; none: a submission may give any
  retention_spec keep = {};           ///< of its artifacts
  bool second_opinion = true;         ///< a failure of doubtful class is tried once on another host
  bool canary = false;                ///< proves hosts that are new or were out
  std::vector<std::string> more_sources = {}; ///< whose changes are built beside `source`
  friend bool operator==(const builder_spec&, const builder_spec&) = default;
};

/// Commands of the farm's own that bring a host back, run on the coordinator's machine by /bin/sh;
/// empty: there is none.
struct restart_commands {
  std::string agent;      ///< starts drover-host again: ssh, systemctl
  std::string reboot;     ///< of the whole machine
  std::string power;      ///< by IPMI, a switchable socket, a hypervisor
  uint32_t times = 0;     ///< that all of them together may run in `within`; 0: the default
  milliseconds within{0}; ///< 0: the default
  friend bool operator==(const restart_commands&, const restart_commands&) = default;
};

struct host_spec {
  std::string name;
  uint32_t slots = 1;
  string_map labels;
  restart_commands restart = {};
  std::string start_command = {}; ///< of an on-demand host: run when work waits for it
  std::string stop_command = {};  ///< run when it was idle for `idle`
  milliseconds idle{0};           ///< 0: the default
  friend bool operator==(const host_spec&, const host_spec&) = default;
};

struct source_spec {
  std::string name;
  source_kind kind = source_kind::none;
  std::string location; ///< folder or URL
  std::string match;    ///< for tarballs
  std::vector<std::string> branches;
  milliseconds every{0};
  std::string cron = {};     ///< of a timer: minute hour day-of-month month day-of-week
  std::string zone = {};     ///< of a timer: a time zone's name; empty: UTC
  std::string of = {};       ///< of a timer: the source whose newest change is built; empty: none
  bool only_changed = false; ///< of a timer: not again what it built last
  friend bool operator==(const source_spec&, const source_spec&) = default;
};

struct reporter_spec {
  std::string name;
  std::string kind; ///< "mail", "irc", "webhook"
  std::string address;
  string_map settings;                    ///< from, nick, secret_file ...
  std::vector<std::string> to;            ///< addresses or channels
  std::vector<std::string> on;            ///< problem, recovery, finished ...
  std::vector<std::string> builders = {}; ///< names or globs; empty: all
  friend bool operator==(const reporter_spec&, const reporter_spec&) = default;
};

struct user_spec {
  std::string name;
  std::vector<std::string> roles;         ///< "view", "force", "admin"
  std::vector<std::string> builders = {}; ///< that `force` is for, names or globs; empty: all
  std::string mail = {};                  ///< address, also as authors of changes write it
  std::string irc = {};                   ///< account on the IRC server
  friend bool operator==(const user_spec&, const user_spec&) = default;
};

/// Bounds that an operator may set below those of schema/limits.hpp; 0: as there.
struct limits_spec {
  uint64_t log_per_step = 0;        ///< bytes
  uint64_t artifacts_per_build = 0; ///< bytes, all files together
  retention_spec artifacts = {};    ///< of builders that say nothing themselves
  milliseconds retire_after{0};     ///< a silence after which a host is retired
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
