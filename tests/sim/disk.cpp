// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/disk.hpp"

#include "tests/sim/fakes.hpp"

#include <algorithm>
#include <array>

namespace drover::sim {

using namespace std::chrono_literals;

namespace {

/// Most programs fill a buffer before they write it out, some write every line, few every word.
/// Not drawn: what follows stays as it was.
uint64_t flushed_at_once(const grant_token& token) {
  constexpr std::array<uint64_t, 8> habits{10, 80, 512, 512, 4096, 4096, 4096, 4096};
  return habits[stream_of(token.attempt) % habits.size()];
}

} // namespace

// -- what the spool port needs -------------------------------------------------------------------

host_disk::attempt* host_disk::find(const grant_token& token) {
  auto found = attempts_.find(token);
  return found == attempts_.end() ? nullptr : &found->second;
}

const host_disk::attempt* host_disk::find(const grant_token& token) const {
  auto found = attempts_.find(token);
  return found == attempts_.end() ? nullptr : &found->second;
}

std::optional<failure> host_disk::enter(const assignment& work) {
  attempts_.try_emplace(work.token, attempt{}).first->second.work = work;
  return std::nullopt;
}

std::optional<failure> host_disk::start(const keeper_order& order) {
  auto* one = find(order.token);
  if (one == nullptr)
    return failure{ec::not_found, "spool: the attempt was never entered"};
  if (one->state != keeper::none || one->account)
    return failure{ec::conflict, "spool: its keeper was started already"};
  plan(*one, order);
  one->state = keeper::running;
  one->started = engine_.now();
  one->flushes = flushed_at_once(order.token);
  auto& truth = witness_.processes[order.token];
  ++truth.starts[number_];
  truth.host = host_;
  truth.running = true;
  witness_.running.insert(order.token);
  engine_.note("process starts " + host_ + " " + text_of(order.token));
  on_start(order.token, *this);
  engine_.after(one->lasts, [this, token = order.token, how = one->plan] { ends(token, how); });
  if (order.lease.count() > 0 && order.lease < limits::orphan_time) {
    one->exclusive = true;
    one->leased_until = engine_.now() + order.lease;
    look_at_lease(order.token);
  }
  if (order.builder == poison_builder && !condition.reliable)
    engine_.after(engine_.random.between(20ms, std::max(20ms, one->lasts)),
                  [this, token = order.token] { poison(token); });
  return std::nullopt;
}

/// The keeper of an exclusive step ends it by itself when its lease is over.
void host_disk::look_at_lease(const grant_token& token) {
  auto* one = find(token);
  if (one == nullptr || one->state != keeper::running)
    return;
  if (one->leased_until <= engine_.now() && !one->cancelled)
    return end_early(token, *one, result::exception, "its lease is over");
  if (!one->cancelled)
    engine_.after(one->leased_until - engine_.now(), [this, token] { look_at_lease(token); });
}

void host_disk::renew_lease(const grant_token& token, milliseconds left) {
  if (auto* one = find(token); one != nullptr && one->exclusive)
    one->leased_until = engine_.now() + left;
}

void host_disk::poison(const grant_token& token) {
  const auto* one = find(token);
  if (one == nullptr || one->state != keeper::running || condition.reliable)
    return;
  engine_.note("poison " + host_ + " " + text_of(token));
  on_poison(token);
}

/// How long it will take, what it will print, how it will end: all from chance.
void host_disk::plan(attempt& one, const keeper_order& order) {
  auto& random = engine_.random;
  one.plan.started_at = wall();
  if (condition.black_hole || condition.reliable) {
    one.lasts = random.between(20ms, 500ms);
    one.output = random.between(0, 2'000);
    bool well = condition.reliable && !condition.black_hole;
    one.plan.outcome = well ? result::success : result::failure;
    one.plan.exit_code = well ? 0 : 127;
    one.plan.reason = well ? "" : "the compiler is not there";
    return;
  }
  one.lasts = random.happens(0.1) ? random.between(5s, 40s) : random.between(20ms, 5s);
  one.output = random.happens(0.01) ? random.between(0, 1'500'000) : random.between(0, 8'000);
  one.plan.outcome = result::success;
  one.plan.exit_code = 0;
  if (random.happens(0.15)) {
    one.plan = {
      result::failure, static_cast<int32_t>(random.between(1, 99)), "it failed", {}, {}, {}};
  }
  if (one.lasts > order.timeout) {
    one.output = static_cast<uint64_t>(static_cast<double>(one.output)
                                       * static_cast<double>(order.timeout.count())
                                       / static_cast<double>(one.lasts.count()));
    one.lasts = order.timeout;
    one.plan = {result::timeout, -1, "it took too long", {}, {}, {}};
  }
  one.plan.started_at = wall();
}

uint64_t host_disk::printed(const attempt& one) const {
  if (one.state != keeper::running)
    return one.log_size;
  auto passed = (engine_.now() - one.started).count();
  auto all = std::max<int64_t>(one.lasts.count(), 1);
  auto so_far = one.output * static_cast<uint64_t>(passed) / static_cast<uint64_t>(all);
  return std::min(one.output, so_far - so_far % one.flushes);
}

void host_disk::ends(const grant_token& token, const keeper_exit& how) {
  auto* one = find(token);
  if (one == nullptr || one->state != keeper::running)
    return;
  if (!one->cancelled)
    one->log_size = one->output; // all of it, whatever the rounding
  else
    one->log_size = printed(*one);
  one->account = how;
  one->account->finished_at = wall();
  one->account->out_empty =
    how.outcome == result::success && artifacts_of(token.attempt.build).empty();
  stop(*one, keeper::over);
  auto& truth = witness_.processes[token];
  truth.outcome = how.outcome;
  truth.exit_code = how.exit_code;
  engine_.note("process ends " + host_ + " " + text_of(token) + " "
               + std::to_string(static_cast<int>(how.outcome)));
}

void host_disk::stop(attempt& one, keeper state) {
  one.state = state;
  auto& truth = witness_.processes[one.work.token];
  truth.running = false;
  witness_.running.erase(one.work.token);
  truth.log_bytes = one.log_size;
  for (auto& gone : std::exchange(one.watchers, {}))
    gone();
}

void host_disk::watch(const grant_token& token, std::function<void()> gone) {
  auto* one = find(token);
  if (one == nullptr || one->state != keeper::running)
    return gone();
  one->watchers.push_back(std::move(gone));
}

void host_disk::cancel(const grant_token& token, const std::string& reason) {
  auto* one = find(token);
  if (one == nullptr || one->state != keeper::running || std::exchange(one->cancelled, true))
    return;
  end_early(token, *one, result::cancelled, reason);
}

void host_disk::end_early(const grant_token& token, attempt& one, result outcome,
                          const std::string& why) {
  one.cancelled = true;
  keeper_exit how{outcome, 143, why, one.plan.started_at, {}, {}};
  auto& random = engine_.random;
  auto takes = random.happens(0.1) ? limits::kill_grace : random.between(1ms, 200ms);
  // It may come to its own end before.
  engine_.after(takes, [this, token, how] { ends(token, how); });
}

std::optional<failure> host_disk::close(const grant_token& token, const keeper_exit& account) {
  auto* one = find(token);
  if (one == nullptr)
    return failure{ec::not_found, "spool: the attempt was never entered"};
  one->leftovers = false;
  if (!one->account)
    one->account = account;
  if (one->state == keeper::none)
    one->state = keeper::over;
  return std::nullopt;
}

uint64_t host_disk::log_size(const grant_token& token) const {
  const auto* one = find(token);
  return one == nullptr ? 0 : printed(*one);
}

void host_disk::confirm(const grant_token& token, wall_time now) {
  if (auto* one = find(token); one != nullptr && !std::exchange(one->confirmed, true))
    one->confirmed_at = now;
}

void host_disk::forget(const grant_token& token) {
  auto* one = find(token);
  if (one == nullptr)
    return;
  if (!one->confirmed)
    engine_.fail("the spool was told to forget an attempt without confirmation: " + text_of(token));
  if (one->state == keeper::running)
    engine_.fail("the spool was told to forget a running attempt: " + text_of(token));
  attempts_.erase(token);
}

spooled_attempt host_disk::spooled(const attempt& one) const {
  return {one.work, one.state == keeper::running, one.confirmed, one.confirmed_at};
}

// -- what the world does to it -------------------------------------------------------------------

void host_disk::forget_watchers() {
  for (auto& [token, one] : attempts_)
    one.watchers.clear();
}

bool host_disk::kill_a_keeper() {
  std::vector<attempt*> alive;
  for (auto& [token, one] : attempts_)
    if (one.state == keeper::running)
      alive.push_back(&one);
  if (alive.empty())
    return false;
  auto& one = *alive[engine_.random.between(0, alive.size() - 1)];
  engine_.note("keeper dies " + host_ + " " + text_of(one.work.token));
  one.log_size = printed(one);
  one.leftovers = true;
  witness_.processes[one.work.token].keeper_died = true;
  stop(one, keeper::dead);
  return true;
}

void host_disk::power_off() {
  forget_watchers();
  for (auto& [token, one] : attempts_) {
    one.leftovers = false;
    if (one.state != keeper::running)
      continue;
    one.log_size = printed(one);
    witness_.processes[token].keeper_died = true;
    stop(one, keeper::dead);
  }
}

size_t host_disk::running() const {
  return static_cast<size_t>(std::count_if(attempts_.begin(), attempts_.end(), [](const auto& one) {
    return one.second.state == keeper::running;
  }));
}

size_t host_disk::leftovers() const {
  return static_cast<size_t>(std::count_if(attempts_.begin(), attempts_.end(),
                                           [](const auto& one) { return one.second.leftovers; }));
}

} // namespace drover::sim
