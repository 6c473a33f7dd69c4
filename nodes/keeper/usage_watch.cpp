// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/usage_watch.hpp"

#include "nodes/keeper/watchdog.hpp"
#include "schema/limits.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace drover {

namespace {

int64_t milliseconds_of(const timeval& span) {
  return int64_t{span.tv_sec} * 1000 + span.tv_usec / 1000;
}

} // namespace

step_limits limits_in_force(const keeper_order& order) {
  auto limits = order.limits;
  if (limits.pids == 0 && !order.cgroup.pids.empty())
    limits.pids = limits::step_pids_default;
  return limits;
}

usage_watch::usage_watch(const keeper_order& order, milliseconds now)
    : limits_{limits_in_force(order)}, plan_{order.cgroup}, own_user_{order.user != 0},
      counted_groups_{!plan_.memory.empty() || !plan_.pids.empty()}, meter_{order.disk_folders},
      next_look_{now + limits::usage_look} {}

std::optional<usage_watch::verdict> usage_watch::look(milliseconds now) {
  if (limits_.disk > 0 && (counting_ || now >= next_count_))
    if (auto met = count_disk(now))
      return met;
  if (now < next_look_)
    return std::nullopt;
  next_look_ = now + limits::usage_look;
  return look_again();
}

std::optional<usage_watch::verdict> usage_watch::look_again() {
  counted_ = counters_of(plan_);
  auto peak = " (peak " + show_bytes(counted_.memory_peak) + ")";
  if (counted_.memory_kills > 0 && limits_.memory > 0)
    return verdict{result::failure,
                   "killed at its memory limit of " + show_bytes(limits_.memory) + peak};
  if (counted_.memory_kills > 0)
    return verdict{result::exception, "killed because this host ran out of memory" + peak};
  if (counted_.pids_refused > 0)
    return verdict{result::failure,
                   "hit its limit of " + std::to_string(limits_.pids) + " processes"};
  return std::nullopt;
}

std::optional<usage_watch::verdict> usage_watch::count_disk(milliseconds now) {
  if (!counting_)
    count_begun_ = now;
  counting_ = !meter_.go_on(limits::disk_count_piece);
  disk_peak_ = std::max(disk_peak_, meter_.bytes());
  if (!counting_)
    next_count_ = now
                  + std::max<milliseconds>(limits::disk_count_every,
                                           limits::disk_count_rest * (now - count_begun_));
  if (disk_peak_ <= limits_.disk)
    return std::nullopt;
  return verdict{result::failure, "used more than " + show_bytes(limits_.disk)
                                    + " of the disk, its limit (seen: " + show_bytes(disk_peak_)
                                    + ")"};
}

milliseconds usage_watch::next() const {
  auto next = counted_groups_ ? next_look_ : milliseconds::max();
  if (limits_.disk > 0)
    next = std::min(next, counting_ ? milliseconds{0} : next_count_);
  return next;
}

resource_usage usage_watch::usage() const {
  resource_usage usage;
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  usage.user_ms = counted_.user ? counted_.user->count() : milliseconds_of(children.ru_utime);
  usage.system_ms = counted_.system ? counted_.system->count() : milliseconds_of(children.ru_stime);
  // Without a group: of the largest process.
  usage.memory_peak = counted_.memory_peak > 0 ? counted_.memory_peak
                                               : static_cast<uint64_t>(children.ru_maxrss) * 1024;
  usage.pids_peak = counted_.pids_peak;
  usage.disk_peak = disk_peak_;
  return usage;
}

std::string usage_watch::not_enforced() const {
  std::string missing;
  auto add = [&](bool without, const char* name) {
    if (without)
      missing += (missing.empty() ? "" : ", ") + std::string{name};
  };
  add(limits_.memory > 0 && plan_.memory.empty(), "memory");
  add(limits_.pids > 0 && plan_.pids.empty() && !own_user_, "pids");
  add(limits_.cpus > 0 && plan_.cpu.empty(), "cpu");
  return missing;
}

} // namespace drover
