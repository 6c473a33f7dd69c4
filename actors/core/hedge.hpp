#pragma once
// Second attempts beside a silent host's: a build's second seat, and how the race ends. Pure.
//
// A hedge is a further placement of the build that exists beside its own one. It repeats the steps
// that have passed, then runs the one whose host is silent. Whose result is accepted first keeps
// the build; the attempts of the other are given up: state `lost`, outcome `cancelled`.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/progress.hpp"
#include "actors/core/schedule.hpp"

#include <optional>

namespace drover::core {

/// Where the second attempt of a build is.
struct hedge_seat {
  uint32_t placement = 0;
  host_name host;
  grant_token token; ///< its latest attempt
  friend bool operator==(const hedge_seat&, const hedge_seat&) = default;
};

/// The open hedge of a build, if it has one; it always has an attempt under way, but for the moment
/// between a repeated step and the next.
std::optional<hedge_seat> open_hedge(const build_file& file);

/// The highest number that a placement of this build ever had.
uint32_t last_placement(const build_file& file);

/// Whether a build stays in this placement: its own one, or that of its hedge.
bool is_at(const build_file& file, uint32_t placement);

/// Why this build gets no second attempt now; empty: it may have one.
std::string why_no_hedge(const build_file& file);

/// What a second attempt of the build asks of a host. Unlike a build that waits, it may go to one
/// that was lost under another step of it: only a slot that nobody wants is at stake.
queue_entry wish_of_hedge(const build_file& file);

/// The next step of an open hedge whose last one is over; nothing: it has an attempt under way.
std::optional<grant_step> next_of_hedge(const build_file& file);

/// Opens the second seat on `host`; its first step is `next_of_hedge` of a build that has none.
grant_token apply_hedged(build_file& file, const host_name& host, epoch granted_in, wall_time now);

/// Enters the grant of `next_of_hedge`.
grant_token apply_hedge_grant(build_file& file, const grant_step& grant, epoch granted_in,
                              wall_time now);

/// After a result was accepted: the others that ran for it are given up, and the build goes where
/// its result came from if that was its hedge.
void end_race(build_file& file, const attempt_record& winner);

/// The hedge is not wanted any more.
void drop_hedge(build_file& file, const std::string& why, wall_time now);

/// The build's own host is lost: its hedge takes over. False if there is none.
bool promote_hedge(build_file& file);

/// Attempts that were under way in `before` and are given up in `after`.
std::vector<grant_token> given_up(const build_file& before, const build_file& after);

/// Whether a report of a hedge's attempt ends the hedge without a result for its step: it tells of
/// its host or of the farm, not of the step, while the other attempt may still pass.
bool ends_hedge(const build_file& file, const step_record& step, const attempt_record& attempt,
                const attempt_ended& report);

/// Whether a repeated step ended as well as the result that stands.
bool repeated_well(const step_record& step, result outcome);

} // namespace drover::core
