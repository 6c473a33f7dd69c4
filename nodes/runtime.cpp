// SPDX-License-Identifier: Apache-2.0
#include "nodes/runtime.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>
#include <malloc.h>
#include <sched.h>
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

/// Pieces of logs and blobs come and go by the thousand. Without this each is mapped, zeroed and
/// unmapped by the kernel, which costs more than what is done with its bytes.
void keep_freed_memory() {
  constexpr int mib = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, mib);
  mallopt(M_TRIM_THRESHOLD, 4 * mib); // of each thread's heap
}

} // namespace

void start_runtime(const std::string& program) {
  auto set = stop_signals();
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, agent_ready_signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_open_files();
  keep_freed_memory();
  auto log = spdlog::stderr_logger_mt(program);
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
}

void expect_hangups() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGHUP, SIG_DFL); // an ignored signal never becomes pending
}

std::string wait_for_stop(const std::function<void()>& on_hangup) {
  auto set = stop_signals();
  if (on_hangup)
    sigaddset(&set, SIGHUP);
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0)
      continue;
    if (signal != SIGHUP)
      return signal == SIGTERM ? "SIGTERM" : "SIGINT";
    on_hangup();
  }
}

void stop_fatally(const std::string& why) {
  spdlog::critical("stops reason=\"{}\"", why);
  spdlog::default_logger()->flush();
  _exit(exit_fatal);
}

void stop_for_restart(const std::string& why) {
  spdlog::info("stops reason=\"{}\"", why);
  spdlog::default_logger()->flush();
  _exit(exit_restart);
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

unsigned usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0)
    return CPU_SETSIZE; // more than it can count
  return static_cast<unsigned>(CPU_COUNT(&cores));
}

actor_settings::actor_settings(unsigned workers) {
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", workers);
  set("logger.console", caf::atom("none"));
}

} // namespace drover
