// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/engine.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace drover::sim {

namespace {

/// Virtual time begins here, so that traces of all runs are alike: 2024-01-01.
constexpr int64_t wall_start_ms = 1'704'067'200'000;
/// Messages handled at one moment of virtual time, beyond which actors talk in circles.
constexpr size_t steps_at_once_max = 2'000'000;

/// The actor that a job is; null: a callback.
caf::scheduled_actor* actor_of(caf::resumable* job) {
  bool is_actor = job->subtype() == caf::resumable::scheduled_actor;
  return is_actor ? static_cast<caf::scheduled_actor*>(job) : nullptr;
}

} // namespace

engine::config::config() {
  set("scheduler.policy", caf::atom("testing"));
  set("logger.verbosity", caf::atom("quiet"));
}

engine::engine(uint64_t seed, bool print_trace)
    : random{seed}, system{config_}, scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(
                                       system.scheduler())},
      print_trace_{print_trace}, start_{scheduler().clock().now()} {}

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
    run_one(sched.jobs.front());
  }
}

/// Runs the first job, or lays it aside.
void engine::run_one(caf::resumable* next) {
  auto& sched = scheduler();
  if (!stopped_.empty() || !stalled_.empty() || !doomed_.empty() || !to_stall_.empty()) {
    if (has_to_wait(next)) {
      sched.jobs.pop_front();
      waiting_.push_back(next);
      return;
    }
  }
  auto before = system.latest_actor_id();
  auto* actor = actor_of(next);
  auto owner = actor != nullptr && actor->id() < owners_.size() ? owners_[actor->id()] : 0;
  sched.run_once();
  if (owner != 0)
    adopt(before, owner);
}

bool engine::has_to_wait(caf::resumable* next) {
  auto* actor = actor_of(next);
  if (actor == nullptr)
    return false;
  if (!doomed_.empty())
    strike(*actor);
  if (!to_stall_.empty() && to_stall_ == actor->name()) {
    note("actor stalls " + std::exchange(to_stall_, {}));
    stalled_[actor->id()] = scheduler().clock().now() + stall_time_;
    after(stall_time_, [this] { wake_waiting(); });
  }
  if (stalled_.contains(actor->id()))
    return true;
  return actor->id() < owners_.size() && stopped_.contains(owners_[actor->id()]);
}

void engine::strike(caf::scheduled_actor& next) {
  if (doomed_ != next.name())
    return;
  note("actor dies " + std::exchange(doomed_, {}));
  caf::anon_send_exit(next.address(), caf::exit_reason::unhandled_exception);
}

// -- processes -----------------------------------------------------------------------------------

void engine::adopt(caf::actor_id since, process_number process) {
  auto last = system.latest_actor_id();
  if (last == since)
    return;
  if (owners_.size() <= last)
    owners_.resize(2 * last + 1);
  for (auto id = since + 1; id <= last; ++id)
    owners_[id] = process;
}

void engine::stop(process_number process, milliseconds time) {
  auto& until = stopped_[process];
  until = std::max(until, scheduler().clock().now() + time);
  after(time, [this] { wake_waiting(); });
}

void engine::stall(const std::string& kind, milliseconds time) {
  to_stall_ = kind;
  stall_time_ = time;
}

bool engine::is_stopped(process_number process) const {
  return stopped_.contains(process);
}

void engine::wake_waiting() {
  auto over = [now = scheduler().clock().now()](const auto& one) { return one.second <= now; };
  std::erase_if(stopped_, over);
  std::erase_if(stalled_, over);
  for (auto* one : std::exchange(waiting_, {})) // who still has to wait is laid aside again
    scheduler().jobs.push_back(one);
}

void engine::release_all() {
  stopped_.clear();
  stalled_.clear();
  to_stall_.clear();
  wake_waiting();
}

void engine::drain() {
  release_all();
  doomed_.clear();
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
  constexpr size_t digits_max = 20;
  line_.resize(digits_max);
  auto end = std::to_chars(line_.data(), line_.data() + digits_max, now().count()).ptr;
  line_.resize(static_cast<size_t>(end - line_.data()));
  line_ += ' ';
  line_ += what;
  line_ += '\n';
  hash_.add(line_);
  if (print_trace_)
    std::fputs(line_.c_str(), stdout);
}

void engine::fail(const std::string& why) {
  if (failed())
    return;
  failure_ = why;
  note("FAILED " + why);
}

} // namespace drover::sim
