// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/engine.hpp"

#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace drover::sim {

namespace {

/// Virtual time begins here, so that traces of all runs are alike: 2024-01-01.
constexpr int64_t wall_start_ms = 1'704'067'200'000;
/// Messages handled at one moment of virtual time, beyond which actors talk in circles.
constexpr size_t steps_at_once_max = 2'000'000;

} // namespace

engine::config::config() {
  set("scheduler.policy", caf::atom("testing"));
  set("logger.verbosity", caf::atom("quiet"));
}

engine::engine(uint64_t seed, bool print_trace)
    : random{seed}, system{config_}, print_trace_{print_trace}, start_{scheduler().clock().now()} {}

caf::scheduler::test_coordinator& engine::scheduler() const {
  auto& any = const_cast<caf::actor_system&>(system).scheduler();
  return dynamic_cast<caf::scheduler::test_coordinator&>(any);
}

milliseconds engine::now() const {
  return std::chrono::duration_cast<milliseconds>(scheduler().clock().now() - start_);
}

wall_time engine::wall() const {
  return {wall_start_ms + now().count()};
}

void engine::after(milliseconds delay, std::function<void()> event) {
  events_.emplace(scheduler().clock().now() + delay, std::move(event));
}

void engine::settle() {
  auto& sched = scheduler();
  for (size_t steps = 0; sched.has_job() && !failed(); ++steps) {
    if (steps > steps_at_once_max)
      return fail("the actors do not come to rest without time passing");
    if (auto jobs = sched.jobs.size(); jobs > 1)
      std::swap(sched.jobs.front(), sched.jobs[random.between(0, jobs - 1)]);
    if (!doomed_.empty())
      strike(*sched.jobs.front());
    sched.run_once();
  }
}

void engine::strike(caf::resumable& next) {
  auto* actor = dynamic_cast<caf::scheduled_actor*>(&next);
  if (actor == nullptr || doomed_ != actor->name())
    return;
  note("actor dies " + std::exchange(doomed_, {}));
  caf::anon_send_exit(actor->address(), caf::exit_reason::unhandled_exception);
}

void engine::drain() {
  while (scheduler().has_job())
    scheduler().run_once();
}

caf::actor_clock::time_point engine::next_moment() const {
  auto next = caf::actor_clock::time_point::max();
  const auto& timers = scheduler().clock().schedule();
  if (!timers.empty())
    next = timers.begin()->first;
  if (!events_.empty())
    next = std::min(next, events_.begin()->first);
  return next;
}

void engine::run_until(milliseconds time, const std::function<bool()>& enough) {
  auto& clock = scheduler().clock();
  auto target = start_ + time;
  settle();
  while (!failed() && !enough()) {
    auto next = std::min(next_moment(), target);
    if (next > clock.now())
      clock.advance_time(next - clock.now());
    else
      clock.advance_time(caf::actor_clock::duration_type{0});
    settle();
    if (auto due = events_.begin(); due != events_.end() && due->first <= clock.now()) {
      auto event = std::move(due->second);
      events_.erase(due);
      event();
      settle();
    }
    if (clock.now() >= target && next_moment() > target)
      return;
  }
}

void engine::run_until(milliseconds time) {
  run_until(time, [] { return false; });
}

void engine::note(const std::string& what) {
  auto line = std::to_string(now().count()) + " " + what + "\n";
  hash_.add(line);
  if (print_trace_)
    std::fputs(line.c_str(), stdout);
}

void engine::fail(const std::string& why) {
  if (failed())
    return;
  failure_ = why;
  note("FAILED " + why);
}

} // namespace drover::sim
