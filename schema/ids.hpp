#pragma once
// The names of things: strong ids that cannot be mixed up, and the tokens that fence attempts.
// SPDX-License-Identifier: Apache-2.0

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace drover {

/// A value of type Rep that only compares with its own kind.
template <class Tag, class Rep>
struct strong {
  Rep value{};
  friend auto operator<=>(const strong&, const strong&) = default;
};

/// Counted from 1 in the order of submission; 0 names no build.
using build_id = strong<struct build_tag, uint64_t>;
/// Counted from 1; 0 names no campaign. People read and write it as "c3".
using campaign_id = strong<struct campaign_tag, uint64_t>;
/// Counted from 1 in the order in which sources noticed them; 0 names no change.
using change_id = strong<struct change_tag, uint64_t>;
/// Position of a step in its builder's recipe, counted from 0.
using step_index = strong<struct step_tag, uint32_t>;
/// A step's run on a host, counted from 1 within its step; 0 names no attempt.
using attempt_number = strong<struct attempt_tag, uint32_t>;
/// A host's name: the common name of its certificate. See `valid_name`.
using host_name = strong<struct host_tag, std::string>;
/// A host's connection, counted by the coordinator; a later one fences the earlier ones.
using session_number = strong<struct session_tag, uint64_t>;

/// A coordinator's life. `counter` grows with each start on one store; `incarnation` is random, so
/// that a restored backup can't repeat an epoch.
struct epoch {
  uint64_t counter = 0;
  uint64_t incarnation = 0;
  friend auto operator<=>(const epoch&, const epoch&) = default;
};

/// One run of one step of one build: the key of everything that belongs to the run.
struct attempt_id {
  build_id build;
  step_index step;
  attempt_number attempt;
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
};

/// The right of one host to run one attempt. Valid under the epoch that granted it and later ones.
struct grant_token {
  epoch granted_in;
  attempt_id attempt;
  friend auto operator<=>(const grant_token&, const grant_token&) = default;
};

/// A moment of wall time for people: milliseconds since 1970 UTC; 0 means "not yet".
/// Decisions never compare these: leases and timers are on the actors' own clock.
struct wall_time {
  int64_t ms = 0;
  friend auto operator<=>(const wall_time&, const wall_time&) = default;
};

} // namespace drover

template <class Tag, class Rep>
struct std::hash<drover::strong<Tag, Rep>> {
  size_t operator()(const drover::strong<Tag, Rep>& id) const { return std::hash<Rep>{}(id.value); }
};
