// What the journal and the records must tell of what the farm decided by itself.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_healing.hpp"
#include "tests/sim/healing.hpp"

namespace drover::sim {

namespace {

std::string text_of(build_id id) {
  return "build " + std::to_string(id.value);
}

} // namespace

void healing_judge::told(const event_record& event) {
  if (event.sequence != last_event_ + 1)
    breach("entry " + std::to_string(event.sequence) + " of the journal follows entry "
           + std::to_string(last_event_));
  last_event_ = event.sequence;
  switch (event.kind) {
  case event_kind::attempt_lost:
    ++told_[event.build].lost;
    break;
  case event_kind::attempt_hedged:
    ++told_[event.build].hedged;
    if (alarm_since_) {
      ++hedged_in_alarm_;
      auto refilled =
        static_cast<size_t>((engine_.now() - *alarm_since_) / limits::careful_hedge_refill);
      if (hedged_in_alarm_ > limits::careful_hedges_at_once + refilled + 1)
        breach(std::to_string(hedged_in_alarm_) + " second attempts within "
               + std::to_string((engine_.now() - *alarm_since_).count()) + " ms of an alarm");
    }
    break;
  case event_kind::herd_alarm:
    last_alarm_ = engine_.now();
    hedged_in_alarm_ = 0;
    if (event.text.find("the alarm is over") != std::string::npos)
      alarm_since_.reset();
    else if (!alarm_since_)
      alarm_since_ = engine_.now();
    break;
  case event_kind::host_quarantined:
    check_quarantine(event);
    break;
  case event_kind::host_released:
    quarantined_.erase(event.host);
    streaks_.erase(event.host);
    break;
  case event_kind::build_poisoned:
  case event_kind::ladder_climbed:
    break;
  default:
    return;
  }
  if (event.text.empty())
    breach("entry " + std::to_string(event.sequence)
           + " of the journal tells of a decision without its reason");
}

/// Whatever failed says why.
void healing_judge::check_reasons(const build_file& file) {
  if (file.build.outcome != result::success && file.build.reason.empty())
    breach(text_of(file.build.id) + " did not pass and does not say why");
  for (const auto& step : file.steps) {
    if (step.outcome != result::success && step.reason.empty())
      breach(text_of(file.build.id) + ": its step " + step.name
             + " did not pass and does not say why");
    for (const auto& attempt : step.attempts)
      if (attempt.outcome == result::host_lost && attempt.reason.empty())
        breach(text_of(file.build.id) + ": an attempt was lost without a reason");
  }
}

void healing_judge::at_end() {
  std::set<build_id> repeated;
  for (const auto& [id, file] : builds_) {
    repeated.insert(file.build.retry_of);
    told_of real;
    std::set<uint32_t> seats;
    for (const auto& step : file.steps)
      for (const auto& attempt : step.attempts) {
        real.lost += attempt.outcome == result::host_lost ? 1 : 0;
        if (attempt.hedge)
          seats.insert(attempt.placement);
      }
    if (told_[id].lost < real.lost || told_[id].hedged < seats.size())
      breach(text_of(id) + ": the journal tells of " + std::to_string(told_[id].lost)
             + " lost attempts and " + std::to_string(told_[id].hedged)
             + " second ones, there were " + std::to_string(real.lost) + " and "
             + std::to_string(seats.size()));
  }
  for (const auto& one : verdicts_)
    for (auto id : one.builds) {
      const auto& build = builds_.at(id).build;
      if (!one.excused && build.pinned.value.empty() && build.requested_by != "farm"
          && !repeated.contains(id))
        breach(text_of(id) + " failed on " + one.host.value
               + ", which was quarantined for it, and was not repeated");
    }
}

} // namespace drover::sim
