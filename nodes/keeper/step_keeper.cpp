// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/step_keeper.hpp"

#include "nodes/folder_entries.hpp"
#include "nodes/spool_folder.hpp"
#include "schema/limits.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace drover {

namespace {

sigset_t keeper_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE})
    sigaddset(&set, number);
  return set;
}

bool same_process(const process_entry& a, const process_entry& b) {
  return a.pid == b.pid && a.start_ticks == b.start_ticks;
}

urge judge(watchdog& dog, const usage_watch::verdict& met) {
  auto now = boot_time_now();
  return met.outcome == result::failure ? dog.limit_met(met.reason, now)
                                        : dog.trouble(met.reason, now);
}

} // namespace

void block_keeper_signals() {
  auto set = keeper_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

std::optional<failure> step_keeper::open_files() {
  log_.open(folder_ + "/" + spool_file::log, limits_.log_bytes_max);
  auto set = keeper_signals();
  signals_ = unique_fd{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  timer_ = unique_fd{timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (!signals_ || !timer_)
    return io_failure("can't watch the command", errno);
  return std::nullopt;
}

keeper_exit step_keeper::run(const keeper_order& order) {
  keeper_exit account;
  account.outcome = result::exception;
  limits_ = limits_of(order);
  if (auto problem = open_files()) {
    account.reason = problem->text;
    return account;
  }
  if (auto reason = cancel_reason()) {
    account.outcome = result::cancelled;
    account.reason = *reason;
    return account;
  }
  auto started = begin(order);
  if (!started) {
    end_groups();
    account.reason = started.error().text;
    return account;
  }
  command_ = std::move(*started);
  lease_ = order.lease;
  watchdog dog{limits_, boot_time_now()};
  if (lease_.count() > 0)
    dog.lease_until(boot_time_now() + lease_);
  auto started_at = wall_now();
  if (auto problem = tell_start(started_at))
    obey(dog.trouble(problem->text, boot_time_now()));
  watch_over(dog);
  account.started_at = started_at;
  account.finished_at = wall_now();
  auto ended_at = account.finished_at;
  auto unfinished =
    log_.finish(outlives_power(account) ? durability::synced : durability::unsynced);
  if (unfinished)
    dog.trouble(unfinished->text, boot_time_now());
  end_groups();
  account = dog.account();
  if (unfinished && account.reason != unfinished->text)
    account.reason += (account.reason.empty() ? "" : "; ") + unfinished->text;
  if (auto missing = usage_->not_enforced(); !missing.empty() && !account.reason.empty())
    account.reason += "; not enforced on this host: the limit of " + missing;
  account.started_at = started_at;
  account.finished_at = ended_at;
  account.leftovers = describe_killed(dog);
  account.usage = used_;
  account.out_empty = account.outcome == result::success && entries_in(order.outputs) == 0;
  return account;
}

expected<running_command> step_keeper::begin(const keeper_order& order) {
  groups_ = order.cgroup;
  usage_.emplace(order, boot_time_now());
  auto groups = step_groups::make(groups_, limits_in_force(order));
  if (!groups)
    return groups.error();
  return start_command(order, *groups);
}

/// Finds the command and its session, should we die.
std::optional<failure> step_keeper::tell_start(wall_time at) {
  auto itself = find_process(command_.pid);
  command_start start{{command_.pid, itself ? itself->start_ticks : 0, current_boot_id()}, at};
  return append_record(records_, encode(start), folder_ + "/" + spool_file::keeper);
}

/// What was used is read before the groups go.
void step_keeper::end_groups() {
  used_ = usage_->usage();
  kill_groups(groups_);
  remove_groups(groups_); // one that stays is removed by the agent's next start
}

std::optional<std::string> step_keeper::cancel_reason() const {
  auto reason = read_record(folder_, spool_file::cancel, "cancel", &decode_cancel);
  if (reason)
    return *reason;
  if (reason.error().code == ec::not_found)
    return std::nullopt;
  return "cancelled; the reason is lost: " + reason.error().text;
}

void step_keeper::watch_over(watchdog& dog) {
  while (dog.now_in() != watchdog::phase::over) {
    arm_timer(dog);
    pollfd sources[] = {{signals_.get(), POLLIN, 0},
                        {timer_.get(), POLLIN, 0},
                        {command_.output.get(), POLLIN, 0}}; // -1, once closed, is passed over
    if (poll(sources, 3, -1) < 0 && errno != EINTR)
      obey(dog.trouble("can't wait for the command: " + system_text(errno), boot_time_now()));
    if (sources[2].revents != 0)
      take_piece(dog);
    if (sources[0].revents != 0)
      take_signals(dog);
    look_at_usage(dog);
    look_at_lease(dog);
    obey(dog.tick(boot_time_now()));
  }
  // Everybody is dead: what they printed last is in the pipe.
  take_output(dog);
  if (auto met = usage_->look_again())
    obey(judge(dog, *met));
}

void step_keeper::look_at_usage(watchdog& dog) {
  if (dog.now_in() == watchdog::phase::running)
    if (auto met = usage_->look(boot_time_now()))
      obey(judge(dog, *met));
}

/// Somebody renews it by a file, which is read only when the last end known has come.
void step_keeper::look_at_lease(watchdog& dog) {
  auto now = boot_time_now();
  if (!dog.lease_over(now))
    return;
  if (auto renewed = read_record(folder_, spool_file::lease, "lease", &decode_lease))
    dog.lease_until(*renewed);
  if (dog.lease_over(now))
    obey(dog.lease_ended("its lease of " + show_duration(lease_)
                           + " ended: this host has had no word from the coordinator",
                         now));
}

void step_keeper::arm_timer(const watchdog& dog) {
  auto wake = dog.deadline();
  if (dog.now_in() == watchdog::phase::killing)
    wake = std::min(wake, boot_time_now() + limits::kill_repeat);
  else if (dog.now_in() == watchdog::phase::running)
    wake = std::min(wake, usage_->next());
  wake = std::max(wake, milliseconds{1}); // zero would disarm it
  itimerspec at{};
  at.it_value.tv_sec = static_cast<time_t>(wake.count() / 1000);
  at.it_value.tv_nsec = static_cast<long>(wake.count() % 1000) * 1'000'000;
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

/// At most what the pipe can hold, since a writer that is left may never stop.
void step_keeper::take_output(watchdog& dog) {
  auto until = printed_bytes_ + 2 * uint64_t{limits::keeper_pipe_bytes};
  while (printed_bytes_ < until && take_piece(dog))
    continue;
}

bool step_keeper::take_piece(watchdog& dog) {
  if (!command_.output)
    return false;
  auto space = log_.space();
  auto got = read(command_.output.get(), space.at, space.bytes);
  if (got < 0 && errno == EIO)
    got = 0; // nobody has the terminal open any more
  if (got < 0)
    return errno == EINTR;
  if (got == 0) {
    command_.output.reset();
    // Whoever held it last is ending, as a rule: it is no leftover if it ends by itself.
    pollfd child{signals_.get(), POLLIN, 0};
    if (dog.now_in() == watchdog::phase::draining
        && poll(&child, 1, static_cast<int>(limits::kill_repeat.count())) > 0)
      take_signals(dog);
    if (dog.now_in() == watchdog::phase::over)
      return false;
    obey(dog.output_ended(boot_time_now()));
    return false;
  }
  printed_bytes_ += static_cast<uint64_t>(got);
  dog.printed(boot_time_now());
  write_log(dog, static_cast<size_t>(got));
  return true;
}

void step_keeper::write_log(watchdog& dog, size_t bytes) {
  bool ended_before = log_.end() != log_end::none;
  log_.take(bytes);
  auto now = boot_time_now();
  switch (ended_before ? log_end::none : log_.end()) {
  case log_end::none:
    break;
  case log_end::limit:
    obey(dog.log_full(now));
    break;
  case log_end::no_room:
    obey(dog.trouble("the host's disk is full: its spool keeps the first "
                       + show_bytes(log_.head_bytes()) + " of the log",
                     now));
    break;
  case log_end::error:
    obey(dog.trouble("the spool can't take the step's log: " + system_text(log_.error()), now));
  }
}

void step_keeper::take_signals(watchdog& dog) {
  signalfd_siginfo info;
  bool child = false;
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    child = child || info.ssi_signo == SIGCHLD;
    if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
      continue;
    auto now = boot_time_now();
    auto reason = cancel_reason();
    obey(reason ? dog.cancel(*reason, now)
                : dog.trouble(
                  "the keeper was told to stop by signal " + std::to_string(info.ssi_signo), now));
  }
  if (child)
    reap(dog);
}

void step_keeper::reap(watchdog& dog) {
  auto next = urge::nothing;
  int status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == command_.pid)
      next = dog.exited(status, boot_time_now());
  // A subreaper without children has no descendants at all.
  if (pid < 0 && errno == ECHILD)
    dog.nobody_left();
  else
    obey(next);
}

void step_keeper::obey(urge what) {
  if (what == urge::terminate) {
    kill(-command_.pid, SIGTERM);
    kill(-command_.pid, SIGCONT); // a stopped one must hear it too
  } else if (what == urge::kill) {
    kill_round();
  }
}

/// Kills all descendants that there are now; true if there were any.
bool step_keeper::kill_round() {
  auto victims = descendants_of(all_processes(), getpid());
  // Whole groups first: a process that forks faster than we read can't outrun that.
  std::set<int32_t> groups;
  for (const auto& victim : victims)
    groups.insert(victim.group);
  groups.erase(getpgrp());
  for (auto group : groups)
    if (group > 1)
      kill(-group, SIGKILL);
  if (!victims.empty())
    kill_groups_once(groups_);
  for (const auto& victim : victims) {
    signal_process(victim, SIGKILL);
    auto same = [&](const process_entry& known) { return same_process(known, victim); };
    // Who closed the output by ending was not left running, though it can still be seen.
    if (!victim.exiting && std::none_of(killed_.begin(), killed_.end(), same)
        && killed_.size() < limits::known_attempts_max)
      killed_.push_back(victim);
  }
  return !victims.empty();
}

std::string step_keeper::describe_killed(const watchdog& dog) const {
  std::string text;
  if (!killed_.empty())
    text = (dog.was_ended() ? "killed after " + show_duration(limits_.grace) + " of grace: "
                            : "killed, left running by the step: ")
           + name_processes(killed_);
  // Looking at all processes costs more than the rest of a short step: only if a child is left.
  if (waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD)
    return text;
  if (auto left = descendants_of(all_processes(), getpid()); !left.empty())
    text += "; can't be killed: " + name_processes(left);
  return text;
}

void step_keeper::kill_everybody() {
  auto until = boot_time_now() + limits::kill_wait;
  while (boot_time_now() < until && kill_round()) {
    pollfd signals{signals_.get(), POLLIN, 0};
    poll(&signals, 1, static_cast<int>(limits::kill_repeat.count()));
    while (waitpid(-1, nullptr, WNOHANG) > 0)
      continue;
  }
  kill_groups(groups_);
  remove_groups(groups_);
}

} // namespace drover
