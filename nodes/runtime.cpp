// SPDX-License-Identifier: Apache-2.0
#include "nodes/runtime.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace drover {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); // where it is refused, the lower limit serves
  }
}

} // namespace

void start_runtime(const std::string& program) {
  auto set = stop_signals();
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_open_files();
  auto log = spdlog::stderr_logger_mt(program);
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
}

std::string wait_for_stop() {
  auto set = stop_signals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal == SIGTERM ? "SIGTERM" : "SIGINT";
}

void stop_fatally(const std::string& why) {
  spdlog::critical("stops reason=\"{}\"", why);
  spdlog::default_logger()->flush();
  _exit(exit_fatal);
}

wall_clock system_wall_clock() {
  return [] {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return wall_time{std::chrono::duration_cast<milliseconds>(now).count()};
  };
}

uint64_t random_number() {
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number))
    stop_fatally("the kernel gives no random numbers");
  return number;
}

actor_settings::actor_settings() {
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", 2u);
  set("logger.console", caf::atom("none"));
}

} // namespace drover
