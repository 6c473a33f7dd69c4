// SPDX-License-Identifier: Apache-2.0
#include "actors/core/conduct.hpp"

#include "actors/core/progress.hpp"

#include <algorithm>
#include <utility>

namespace drover::core {

claim judge_claim(const std::optional<build_file>& file, const grant_token& token,
                  const host_name& host, const epoch& now) {
  const auto* attempt = file ? find_attempt(*file, token) : nullptr;
  if (attempt != nullptr)
    return attempt->host == host ? claim::own : claim::foreign;
  return token.granted_in == now ? claim::foreign : claim::unknown;
}

claim judge_part(const std::optional<build_file>& file, const host_name& host) {
  if (!file)
    return claim::unknown;
  auto is_its_own = [&](const attempt_record& attempt) { return attempt.host == host; };
  for (const auto& step : file->steps)
    if (std::any_of(step.attempts.begin(), step.attempts.end(), is_its_own))
      return claim::own;
  return file->build.host == host ? claim::own : claim::foreign;
}

std::string misconduct_guard::told(const std::string& what, std::chrono::nanoseconds now) {
  auto before = last_.find(what);
  if (before != last_.end() && now - before->second < limits::misconduct_repeat) {
    ++repeats_;
    return {};
  }
  if (!lines_.admits_at(now))
    return {};
  if (last_.size() >= limits::misconduct_remembered_max)
    last_.clear();
  last_[what] = now;
  auto silent = lines_.take_left_out() + std::exchange(repeats_, 0);
  return silent == 0 ? what
                     : what + "; it has done such things " + std::to_string(silent) + " times more";
}

} // namespace drover::core
