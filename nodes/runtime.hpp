#pragma once
// What each program of the farm does first and last: logging, signals, limits, clocks. The only
// place with process-wide state.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"

#include <caf/actor_system_config.hpp>

#include <csignal>
#include <functional>
#include <string>

namespace drover {

/// Exit codes of the programs (CONTRACT.md; 70 as in sysexits.h).
inline constexpr int exit_usage = 2;
inline constexpr int exit_fatal = 70;
/// Of an agent that wants to be started again at once.
inline constexpr int exit_restart = 75;

/// By which an agent says to its parent that it takes work.
inline constexpr int agent_ready_signal = SIGUSR1;

/// Logs to stderr, one line an event; blocks SIGTERM and SIGINT for `wait_for_stop` (SIGCHLD and
/// `agent_ready_signal` for parents); ignores SIGPIPE; raises the limit of open files. Before any
/// thread is started.
void start_runtime(const std::string& program);

/// Keeps SIGHUP for `wait_for_stop`, even where it was ignored. Before any thread is started.
void expect_hangups();

/// Returns when SIGTERM or SIGINT comes, with its name. `on_hangup` is called, by this thread, for
/// SIGHUPs that come meanwhile; without it they are nothing of ours.
std::string wait_for_stop(const std::function<void()>& on_hangup = {});

/// Logs `why` and ends the process at once, without destructors: what is acknowledged is on disk,
/// and nothing else may be promised any more. From any thread.
[[noreturn]] void stop_fatally(const std::string& why);

/// As `stop_fatally`, but nothing is wrong: whoever started the process starts it again.
[[noreturn]] void stop_for_restart(const std::string& why);

/// The machine's wall clock.
wall_clock system_wall_clock();

/// From the kernel's random source.
uint64_t random_number();

/// Cores that this process may use.
unsigned usable_cores();

/// CAF's settings for both programs: two workers are enough for decisions, `sharing` does not poll.
struct actor_settings : caf::actor_system_config {
  explicit actor_settings(unsigned workers = 2);
};

} // namespace drover
