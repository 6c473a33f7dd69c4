// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/watchdog.hpp"

#include "schema/limits.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace drover {

watch_limits limits_of(const keeper_order& order) {
  auto or_default = [](milliseconds given, milliseconds fallback) {
    return given > milliseconds{0} ? std::min(given, limits::step_timeout_max) : fallback;
  };
  return {or_default(order.timeout, limits::step_timeout_default),
          or_default(order.silence, limits::step_silence_default),
          or_default(order.grace, limits::kill_grace),
          limits::drain_after_exit,
          limits::kill_wait,
          order.log_bytes_max > 0 ? order.log_bytes_max : limits::log_bytes_max};
}

watchdog::watchdog(const watch_limits& limits, milliseconds now)
    : limits_{limits}, begun_{now}, last_output_{now} {}

urge watchdog::end(result outcome, std::string reason, milliseconds now) {
  phase_ = phase::ending;
  outcome_ = outcome;
  reason_ = std::move(reason);
  phase_until_ = now + limits_.grace;
  return urge::terminate;
}

urge watchdog::kill(milliseconds now) {
  phase_ = phase::killing;
  phase_until_ = now + limits_.kill_wait;
  return urge::kill;
}

urge watchdog::spoiled(result outcome, std::string reason, milliseconds now) {
  if (phase_ == phase::running)
    return end(outcome, std::move(reason), now);
  if (outcome_ == result::none) {
    outcome_ = outcome;
    reason_ = std::move(reason);
  }
  return urge::nothing;
}

urge watchdog::log_full(milliseconds now) {
  return spoiled(
    result::failure,
    "printed more than " + show_bytes(limits_.log_bytes_max) + ", the limit of a step's log", now);
}

urge watchdog::limit_met(const std::string& reason, milliseconds now) {
  return spoiled(result::failure, reason, now);
}

urge watchdog::lease_ended(const std::string& reason, milliseconds now) {
  return phase_ == phase::running ? end(result::exception, reason, now) : urge::nothing;
}

urge watchdog::trouble(const std::string& reason, milliseconds now) {
  return spoiled(result::exception, reason, now);
}

urge watchdog::cancel(const std::string& reason, milliseconds now) {
  // Too late once the command has ended or another cause has come first.
  return phase_ == phase::running ? end(result::cancelled, reason, now) : urge::nothing;
}

urge watchdog::exited(int wait_status, milliseconds now) {
  wait_status_ = wait_status;
  // While ending, the others of the step keep their grace to tidy up.
  if (phase_ != phase::running)
    return urge::nothing;
  phase_ = phase::draining;
  phase_until_ = now + limits_.drain;
  return output_ended_ ? kill(now) : urge::nothing;
}

urge watchdog::output_ended(milliseconds now) {
  output_ended_ = true;
  return phase_ == phase::draining ? kill(now) : urge::nothing;
}

urge watchdog::tick(milliseconds now) {
  switch (phase_) {
  case phase::running:
    if (now - begun_ >= limits_.timeout)
      return end(result::timeout, "ran longer than " + show_duration(limits_.timeout), now);
    if (now - last_output_ >= limits_.silence)
      return end(result::timeout, "printed nothing for " + show_duration(limits_.silence), now);
    return urge::nothing;
  case phase::ending:
  case phase::draining:
    return now >= phase_until_ ? kill(now) : urge::nothing;
  case phase::killing:
    if (now < phase_until_)
      return urge::kill;
    phase_ = phase::over;
    return urge::nothing;
  case phase::over:
    break;
  }
  return urge::nothing;
}

milliseconds watchdog::deadline() const {
  if (phase_ == phase::running)
    return std::min({begun_ + limits_.timeout, last_output_ + limits_.silence, lease_until_});
  return phase_until_;
}

keeper_exit watchdog::account() const {
  keeper_exit account;
  if (wait_status_ && WIFEXITED(*wait_status_))
    account.exit_code = WEXITSTATUS(*wait_status_);
  else if (wait_status_)
    account.exit_code = 128 + WTERMSIG(*wait_status_);
  account.outcome = outcome_;
  account.reason = reason_;
  if (outcome_ == result::none && wait_status_) {
    account.outcome = account.exit_code == 0 ? result::success : result::failure;
    account.reason = describe_status(*wait_status_);
  } else if (outcome_ == result::none) {
    account.outcome = result::exception;
    account.reason = "the keeper lost sight of the command";
  }
  return account;
}

std::string show_duration(milliseconds span) {
  auto rest = span.count();
  if (rest % 1000 != 0)
    return std::to_string(rest) + "ms";
  rest /= 1000;
  std::string text;
  for (auto [unit, seconds] : {std::pair{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}) {
    if (rest >= seconds)
      text += std::to_string(rest / seconds) + unit;
    rest %= seconds;
  }
  return text.empty() ? "0s" : text;
}

std::string show_bytes(uint64_t bytes) {
  constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024)
    return std::to_string(bytes) + " bytes";
  size_t unit = 0;
  auto scale = uint64_t{1024};
  while (unit + 1 < std::size(units) && bytes / 1024 >= scale) {
    scale *= 1024;
    ++unit;
  }
  auto tenths = bytes / scale * 10 + bytes % scale * 10 / scale;
  if (bytes % scale == 0)
    return std::to_string(bytes / scale) + units[unit];
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + units[unit];
}

std::string describe_status(int wait_status) {
  if (WIFEXITED(wait_status)) {
    int code = WEXITSTATUS(wait_status);
    return code == 0 ? "" : "exit code " + std::to_string(code);
  }
  int number = WTERMSIG(wait_status);
  const char* name = sigabbrev_np(number);
  return "killed by signal " + std::to_string(number)
         + (name ? " (SIG" + std::string{name} + ")" : "");
}

} // namespace drover
