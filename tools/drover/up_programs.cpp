// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/up_programs.hpp"

#include "schema/limits.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace drover::cli {

namespace {

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace

std::chrono::milliseconds restart_delay(core::restart_history& history, int64_t now,
                                        double jitter) {
  core::restart_budget budget{limits::program_restarts_max, limits::program_restart_period};
  if (!core::spend(history, budget, now))
    return limits::program_restart_period;
  auto delay = limits::program_backoff_first;
  for (size_t recent = 1; recent < history.size() && delay < limits::program_backoff_max; ++recent)
    delay *= 2;
  delay = std::min(delay, limits::program_backoff_max);
  auto share = 0.5 + jitter / 2; // so that programs that died together do not start together
  return std::chrono::milliseconds{
    static_cast<int64_t>(static_cast<double>(delay.count()) * share)};
}

program_set::program_set(farm_folder farm, std::function<void(const std::string&)> say)
    : farm_{std::move(farm)}, say_{std::move(say)}, chance_{std::random_device{}()} {}

std::optional<failure> program_set::add(const std::string& name,
                                        std::vector<std::string> arguments) {
  if (access(arguments.at(0).c_str(), X_OK) != 0)
    return system_failure("can't start " + arguments[0]);
  // Through ourselves, so that the program ends when we do, in whatever way we end.
  std::vector<std::string> all{"/proc/self/exe", "up-child", "--", std::to_string(getpid())};
  all.insert(all.end(), arguments.begin(), arguments.end());
  entries_.push_back({name, {std::move(all), farm_.log(name)}, 0, 0, {}, std::nullopt});
  return start(entries_.back());
}

std::optional<failure> program_set::start(entry& one) {
  one.due_ms.reset();
  auto pid = spawn(one.what);
  if (!pid)
    return pid.error();
  one.pid = *pid;
  if (auto why = write_file(farm_.pid(one.name), std::to_string(*pid) + "\n"))
    say_(why->text); // it runs, only nobody finds it there
  return std::nullopt;
}

void program_set::children_ended() {
  for (const auto& end : reap()) {
    auto one = std::find_if(entries_.begin(), entries_.end(),
                            [&](const entry& some) { return some.pid == end.pid; });
    if (one != entries_.end())
      ended(*one, end);
  }
}

void program_set::ended(entry& one, const child_end& end) {
  auto pid = std::exchange(one.pid, 0);
  unlink(farm_.pid(one.name).c_str());
  if (stopping_)
    return;
  ++one.deaths;
  auto jitter = std::uniform_real_distribution<>{0, 1}(chance_);
  auto delay = restart_delay(one.history, now_ms(), jitter);
  one.due_ms = now_ms() + delay.count();
  say_(one.name + " (process " + std::to_string(pid) + ") ended with " + describe(end)
       + ", starts again in " + std::to_string(delay.count())
       + " ms; its log: " + farm_.log(one.name));
}

void program_set::start_due() {
  for (auto& one : entries_) {
    if (!one.due_ms || *one.due_ms > now_ms() || stopping_)
      continue;
    if (auto why = start(one)) {
      say_(one.name + ": " + why->text);
      one.due_ms = now_ms() + limits::program_backoff_max.count();
    }
  }
}

std::optional<std::chrono::milliseconds> program_set::next_due() const {
  std::optional<std::chrono::milliseconds> soonest;
  for (const auto& one : entries_) {
    if (!one.due_ms)
      continue;
    auto left = std::chrono::milliseconds{std::max<int64_t>(0, *one.due_ms - now_ms())};
    soonest = std::min(soonest.value_or(left), left);
  }
  return soonest;
}

uint32_t program_set::deaths(const std::string& name) const {
  for (const auto& one : entries_) {
    if (one.name == name)
      return one.deaths;
  }
  return 0;
}

void program_set::ask_to_stop() {
  stopping_ = true;
  for (auto& one : entries_) {
    one.due_ms.reset();
    send_signal(one.pid, SIGTERM);
  }
}

void program_set::kill_rest() {
  for (const auto& one : entries_)
    send_signal(one.pid, SIGKILL);
}

bool program_set::any_running() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const entry& one) { return one.pid != 0; });
}

} // namespace drover::cli
