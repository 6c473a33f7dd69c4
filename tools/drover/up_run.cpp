// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/up_run.hpp"

#include "actors/edge/pki.hpp"
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "tools/drover/up_folder.hpp"
#include "tools/drover/up_probe.hpp"
#include "tools/drover/up_programs.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

namespace drover::cli {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How often a farm that is not ready yet is asked.
constexpr milliseconds probe_interval = 50ms;

constexpr const char* coordinator_name = "coordinator";

void say(const std::string& line) {
  std::fprintf(stderr, "drover up: %s\n", line.c_str());
}

int refuse(const failure& why) {
  say(why.text);
  switch (why.code) {
  case ec::bad_input:
    return 2;
  case ec::conflict:
    return 4;
  default:
    return 1;
  }
}

/// The last line of a program's log, for people who can't see why it does not start.
std::string last_line(const std::string& path) {
  std::ifstream file{path};
  std::string line, last;
  while (std::getline(file, line)) {
    if (!line.empty())
      last = line;
  }
  return last.empty() ? "its log is empty" : last;
}

/// Everything that is known before the first program starts.
struct plan {
  farm_folder farm;
  std::string listen;
  std::string web;
  std::vector<host_spec> hosts;
  std::string step_user;
};

std::optional<failure> make_keys(const plan& what) {
  if (auto why = make_farm_keys(what.farm.farm_keys()))
    return why;
  for (const auto& host : what.hosts) {
    if (auto why =
          issue_host_keys(what.farm.farm_keys(), host.name, what.farm.host_keys(host.name)))
      return why;
  }
  return std::nullopt;
}

std::vector<std::string> coordinator_arguments(const plan& what) {
  return {program_folder() + "/drover-coordinator",
          "--dir",
          what.farm.coordinator(),
          "--config",
          what.farm.config(),
          "--folder",
          origin_of(what.farm),
          "--listen",
          what.listen,
          "--socket",
          what.farm.socket(),
          "--web",
          what.web};
}

std::vector<std::string> host_arguments(const plan& what, const host_spec& host) {
  std::vector<std::string> arguments{program_folder() + "/drover-host",
                                     "--name",
                                     host.name,
                                     "--dir",
                                     what.farm.host(host.name),
                                     "--coordinator",
                                     what.listen,
                                     "--keys",
                                     what.farm.host_keys(host.name),
                                     "--slots",
                                     std::to_string(host.slots),
                                     "--step-user",
                                     what.step_user};
  for (const auto& [key, value] : host.labels) {
    bool is_address = key == "via";
    arguments.push_back(is_address ? "--via" : "--label");
    arguments.push_back(is_address ? value : key + "=" + value);
  }
  auto settings = what.farm.top + "/ssh_config";
  if (host.labels.contains("via") && access(settings.c_str(), R_OK) == 0) {
    arguments.push_back("--ssh-config");
    arguments.push_back(settings);
  }
  return arguments;
}

/// The farm while it runs: one thread that waits for signals and looks whether all have come.
class running_farm {
public:
  explicit running_farm(plan what) : what_{std::move(what)}, programs_{what_.farm, say} {}

  int run() {
    if (auto why = prepare())
      return refuse(*why);
    auto code = watch();
    stop();
    return code;
  }

private:
  std::optional<failure> prepare() {
    if (auto why = become_subreaper())
      return why;
    sigset_t wanted;
    sigemptyset(&wanted);
    for (auto signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
      sigaddset(&wanted, signal);
    sigprocmask(SIG_BLOCK, &wanted, nullptr);
    signals_ = owned_fd{signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!signals_.valid())
      return system_failure("can't receive signals");
    if (auto why = programs_.add(coordinator_name, coordinator_arguments(what_)))
      return why;
    for (const auto& host : what_.hosts) {
      if (auto why = programs_.add(host.name, host_arguments(what_, host)))
        return why;
    }
    return std::nullopt;
  }

  /// Until a signal says stop (0), or the coordinator turns out not to start (1).
  int watch() {
    while (!stop_asked_) {
      wait_for_signal(patience());
      programs_.start_due();
      if (announced_)
        continue;
      look();
      if (!answered_ && programs_.deaths(coordinator_name) >= limits::program_starts_failed_max) {
        say("the coordinator does not start: " + last_line(what_.farm.log(coordinator_name)));
        return 1;
      }
    }
    return 0;
  }

  milliseconds patience() const {
    auto longest = announced_ ? milliseconds{60s} : probe_interval;
    return std::min(longest, programs_.next_due().value_or(longest));
  }

  void wait_for_signal(milliseconds patience) {
    pollfd waiting{signals_.get(), POLLIN, 0};
    poll(&waiting, 1, static_cast<int>(patience.count()));
    signalfd_siginfo signal{};
    while (read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo == SIGCHLD)
        programs_.children_ended();
      else
        stop_asked_ = true;
    }
  }

  /// Asks the farm who is there; announces it once all are, or once that has taken too long.
  void look() {
    auto seen = probe_farm(what_.farm.socket());
    answered_ = answered_ || seen.ready;
    std::string here, missing;
    for (const auto& host : what_.hosts) {
      auto up =
        std::find(seen.hosts_up.begin(), seen.hosts_up.end(), host.name) != seen.hosts_up.end();
      auto& list = up ? here : missing;
      list += (list.empty() ? "" : ",") + host.name;
    }
    auto late = steady_clock::now() - began_ > limits::farm_ready_wait;
    if (!late && (!seen.ready || !missing.empty()))
      return;
    if (!seen.ready) {
      if (!std::exchange(complained_, true))
        say("the coordinator does not answer yet: " + last_line(what_.farm.log(coordinator_name)));
      return;
    }
    announced_ = true;
    std::printf("ready farm=%s listen=%s web=http://%s/ hosts=%s%s%s\n",
                what_.farm.socket().c_str(), what_.listen.c_str(), what_.web.c_str(), here.c_str(),
                missing.empty() ? "" : " missing=", missing.c_str());
    std::fflush(stdout);
  }

  void stop() {
    programs_.ask_to_stop();
    auto end = steady_clock::now() + limits::program_stop_grace;
    while (programs_.any_running() && steady_clock::now() < end)
      wait_for_signal(probe_interval);
    programs_.kill_rest();
    while (programs_.any_running())
      wait_for_signal(probe_interval);
  }

  plan what_;
  program_set programs_;
  owned_fd signals_;
  steady_clock::time_point began_ = steady_clock::now();
  bool stop_asked_ = false;
  bool answered_ = false;
  bool announced_ = false;
  bool complained_ = false;
};

} // namespace

int run_up(const up_request& request) {
  auto farm = make_farm_folder(request.dir);
  if (!farm)
    return refuse(farm.error());
  auto lock = lock_farm_folder(*farm);
  if (!lock)
    return refuse(lock.error());
  // A wrong config must not replace a right one.
  auto given = request.config;
  if (given.empty()) {
    if (auto why = install_default_config(*farm))
      return refuse(*why);
    given = farm->config();
  }
  auto config = load_config(given);
  for (const auto& mistake : config.errors)
    std::fprintf(stderr, "%s\n", format(mistake, given).c_str());
  for (auto doubt : config.warnings) {
    doubt.message = "warning: " + doubt.message;
    std::fprintf(stderr, "%s\n", format(doubt, given).c_str());
  }
  if (!config.config)
    return 2;
  std::error_code no_config_yet;
  if (!std::filesystem::equivalent(given, farm->config(), no_config_yet)) {
    auto main = given.substr(given.rfind('/') + 1); // npos + 1 is 0
    auto until_now = load_config(farm->config()).files;
    if (auto why = install_files(*farm, config.files, main, until_now))
      return refuse(*why);
    if (auto why = remember_origin(*farm, given))
      return refuse(*why);
  }
  auto listen = choose_listen_address(*farm);
  if (!listen)
    return refuse(listen.error());
  auto choice = settle_choice(*farm, {request.hosts, request.slots, request.step_user});
  if (!choice)
    return refuse(choice.error());
  auto web = choose_web_address(*farm, *listen);
  if (!web)
    return refuse(web.error());
  plan what{*farm, *listen, *web, plan_hosts(*config.config, choice->hosts, choice->slots),
            choice->step_user.value_or("none")};
  if (auto why = make_keys(what))
    return refuse(*why);
  return running_farm{std::move(what)}.run();
}

} // namespace drover::cli
