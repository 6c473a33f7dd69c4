#pragma once
// Decides when a running command must end and what its end means. Pure: time comes in as an
// argument.
//
//   running --command exits--> draining --output ends or drain is over--> killing
//   running --limit, cancel, trouble--> ending (TERM sent) --grace is over--> killing
//   any     --no process is left, or (killing) kill_wait is over--> over
// SPDX-License-Identifier: Apache-2.0

#include "schema/keeper.hpp"

#include <optional>

namespace drover {

struct watch_limits {
  milliseconds timeout{0};
  milliseconds silence{0};
  milliseconds grace{0};
  milliseconds drain{0};
  milliseconds kill_wait{0};
  uint64_t log_bytes_max = 0;
};
/// The order's bounds, with the defaults of schema/limits.hpp where it has none.
watch_limits limits_of(const keeper_order& order);

/// What the caller has to do now.
enum class urge { nothing, terminate, kill };

class watchdog {
public:
  enum class phase { running, ending, draining, killing, over };

  watchdog(const watch_limits& limits, milliseconds now);

  /// The command has printed.
  void printed(milliseconds now) { last_output_ = now; }
  urge cancel(const std::string& reason, milliseconds now);
  /// It has printed more than its log may hold. This, a met limit and trouble make a success that
  /// is just being finished a failure too.
  urge log_full(milliseconds now);
  /// It has met another of its limits; `reason` names it.
  urge limit_met(const std::string& reason, milliseconds now);
  /// It may run on until then, no longer; once it is over, `lease_over` says so.
  void lease_until(milliseconds end) { lease_until_ = end; }
  bool lease_over(milliseconds now) const {
    return phase_ == phase::running && now >= lease_until_;
  }
  /// Nobody has renewed its lease.
  urge lease_ended(const std::string& reason, milliseconds now);
  /// Something of ours went wrong: the step can't go on.
  urge trouble(const std::string& reason, milliseconds now);
  /// The command itself has ended with this status of waitpid; others of it may still run.
  urge exited(int wait_status, milliseconds now);
  /// Nobody can print any more.
  urge output_ended(milliseconds now);
  /// No process of the step is left.
  void nobody_left() { phase_ = phase::over; }
  /// Time has passed; to be called at `deadline`, earlier calls do no harm.
  urge tick(milliseconds now);

  phase now_in() const { return phase_; }
  /// When something is due next.
  milliseconds deadline() const;
  /// Outcome, exit code and reason, once over.
  keeper_exit account() const;
  /// Whether the command was made to end, rather than ended by itself.
  bool was_ended() const { return outcome_ != result::none; }

private:
  urge end(result outcome, std::string reason, milliseconds now);
  urge kill(milliseconds now);
  urge spoiled(result outcome, std::string reason, milliseconds now);

  watch_limits limits_;
  phase phase_ = phase::running;
  milliseconds begun_;
  milliseconds last_output_;
  milliseconds phase_until_{0};
  milliseconds lease_until_ = milliseconds::max();
  bool output_ended_ = false;
  std::optional<int> wait_status_;
  result outcome_ = result::none; ///< none: the command's own exit decides
  std::string reason_;
};

/// "2h", "1m30s", "250ms".
std::string show_duration(milliseconds span);
/// "64MiB", "1.5GiB", "100 bytes".
std::string show_bytes(uint64_t bytes);
/// "exit code 2", "killed by signal 11 (SIGSEGV)"; empty for success.
std::string describe_status(int wait_status);

} // namespace drover
