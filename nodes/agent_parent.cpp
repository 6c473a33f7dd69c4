// SPDX-License-Identifier: Apache-2.0
#include "nodes/agent_parent.hpp"

#include "actors/core/restart_budget.hpp"
#include "nodes/process.hpp"
#include "nodes/runtime.hpp"
#include "nodes/sd_notify.hpp"
#include "schema/limits.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

namespace drover {

namespace {

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::vector<pid_t> children() {
  std::ifstream list{"/proc/self/task/" + std::to_string(getpid()) + "/children"};
  std::vector<pid_t> found;
  for (pid_t pid = 0; list >> pid;)
    found.push_back(pid);
  return found;
}

std::string executable_of(pid_t pid) {
  std::error_code problem;
  auto path = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", problem);
  return problem ? std::string{} : path.string();
}

class agent_parent {
public:
  explicit agent_parent(const agent_program& agent) : agent_{agent} {}

  int run() {
    if (!subreapers_work())
      spdlog::warn("no subreaper here: what a step leaves behind is found by control groups alone");
    else if (auto problem = become_subreaper())
      stop_fatally(problem->text);
    start();
    while (!exit_code_)
      wait();
    return *exit_code_;
  }

private:
  void start() {
    due_.reset();
    auto pid = spawn({agent_.arguments, {}});
    if (!pid)
      stop_fatally(pid.error().text);
    agent_pid_ = *pid;
  }

  /// One signal, or the moment of the next restart.
  void wait() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : {SIGTERM, SIGINT, SIGCHLD, agent_ready_signal})
      sigaddset(&set, signal);
    auto left = due_ ? std::max<int64_t>(0, *due_ - now_ms()) : patience_ms;
    timespec until{left / 1000, left % 1000 * 1'000'000};
    switch (sigtimedwait(&set, nullptr, &until)) {
    case SIGTERM:
    case SIGINT:
      stop();
      break;
    case agent_ready_signal:
      tell_service_manager(service::ready);
      break;
    default: // a child has ended, or time has passed: look in both cases
      look();
    }
  }

  void stop() {
    stopping_ = true;
    tell_service_manager(service::stopping);
    if (agent_pid_ == 0)
      exit_code_ = 0;
    else
      send_signal(agent_pid_, SIGTERM);
  }

  void look() {
    for (const auto& end : reap())
      if (end.pid == agent_pid_)
        agent_ended(end);
    if (due_ && now_ms() >= *due_ && !stopping_)
      start();
    kill_leftovers();
  }

  void agent_ended(const child_end& end) {
    agent_pid_ = 0;
    bool by_itself = WIFEXITED(end.status);
    auto code = by_itself ? WEXITSTATUS(end.status) : exit_fatal;
    if (stopping_ || (by_itself && (code == 0 || code == exit_usage))) {
      exit_code_ = stopping_ ? 0 : code;
      return;
    }
    if (by_itself && code == exit_restart) { // as ordered: no crash, so it costs no budget
      spdlog::info("agent restarts as ordered");
      due_ = now_ms();
      return;
    }
    core::restart_budget budget{limits::program_restarts_max, limits::program_restart_period};
    bool within = core::spend(restarts_, budget, now_ms());
    auto delay = within ? limits::program_backoff_first : limits::program_restart_period;
    spdlog::warn("agent ended how=\"{}\" restart_in_ms={}", describe(end), delay.count());
    due_ = now_ms() + milliseconds{delay}.count();
  }

  /// Whoever is our child and neither the agent nor a keeper was left behind by a keeper that died.
  void kill_leftovers() {
    for (auto pid : children()) {
      if (pid == agent_pid_)
        continue;
      auto program = executable_of(pid);
      if (program.empty() || program.starts_with(agent_.keeper))
        continue; // a zombie that the next look reaps, or a keeper whose agent died
      spdlog::warn("leftover killed pid={} program={}", pid, program);
      send_signal(pid, SIGKILL);
    }
  }

  /// How often to look where no signal comes; orphans arrive without one.
  static constexpr int64_t patience_ms = 500;

  agent_program agent_;
  pid_t agent_pid_ = 0;
  core::restart_history restarts_;
  std::optional<int64_t> due_;
  std::optional<int> exit_code_;
  bool stopping_ = false;
};

} // namespace

int supervise_agent(const agent_program& agent) {
  return agent_parent{agent}.run();
}

} // namespace drover
