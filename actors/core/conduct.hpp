#pragma once
// What a host may speak of, and how often its misdeeds are told. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/line_guard.hpp"
#include "schema/limits_conduct.hpp"
#include "schema/model.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace drover::core {

/// own: it was granted to this host. foreign: it was granted to another one, or to nobody.
/// unknown: nothing on this disk tells, as after the restore of an old backup.
enum class claim : uint8_t { own, foreign, unknown };

/// Whether `host` may speak of the attempt of `token`, by the build's file (none: there is no such
/// build). A grant of the present coordinator, `now`, is on the disk before its host hears of it.
claim judge_claim(const std::optional<build_file>& file, const grant_token& token,
                  const host_name& host, const epoch& now);

/// Whether a build is one on which `host` works or has worked.
claim judge_part(const std::optional<build_file>& file, const host_name& host);

/// Which misdeeds of one host are told: the same one seldom, others so many in a period.
class misconduct_guard {
public:
  /// What to tell of `what`, which has happened `now`; empty: nothing, it is counted.
  std::string told(const std::string& what, std::chrono::nanoseconds now);

private:
  line_guard lines_{limits::misconduct_told_max, limits::misconduct_period};
  std::map<std::string, std::chrono::nanoseconds> last_;
  uint64_t repeats_ = 0;
};

} // namespace drover::core
