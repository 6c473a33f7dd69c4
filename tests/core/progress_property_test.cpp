// A build's life under random events: whatever happens, its promises hold and it comes to an end.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hedge.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

#include <random>

using namespace drover;
using namespace drover::core;

namespace {

struct life {
  std::mt19937_64 random;
  build_file file;
  std::vector<grant_token> granted; ///< every token ever given out
  std::vector<attempt_number> accepted;

  explicit life(uint64_t seed) : random{seed} {
    std::vector<step_spec> steps;
    for (uint64_t i = 0, count = 1 + pick(4); i < count; ++i) {
      steps.push_back(step("s" + std::to_string(i)));
      steps.back().always = pick(5) == 0;
      steps.back().warn_only = pick(5) == 0;
    }
    file = queued_build(std::move(steps));
    accepted.resize(file.steps.size());
  }

  uint64_t pick(uint64_t below) { return random() % below; }

  result any_outcome() {
    constexpr result outcomes[] = {result::success, result::success,   result::failure,
                                   result::timeout, result::cancelled, result::exception};
    return outcomes[pick(std::size(outcomes))];
  }

  attempt_ended any_report(const grant_token& token) {
    auto report = pick(6) == 0 ? keeper_lost(token) : ended(token, any_outcome(), "a reason");
    return report;
  }

  void disturb() {
    if (pick(20) == 0)
      apply_cancel(file, "cancelled by ada");
    if (!granted.empty() && pick(3) == 0) // a late or repeated word
      apply_ended(file, any_report(granted[pick(granted.size())]));
    if (!granted.empty() && pick(8) == 0)
      apply_lost(file, granted[pick(granted.size())], "it is silent", {1});
    if (pick(4) == 0 && why_no_hedge(file).empty())
      granted.push_back(apply_hedged(file, {"h" + std::to_string(pick(3))}, first_epoch, {1}));
    if (auto next = next_of_hedge(file))
      granted.push_back(apply_hedge_grant(file, *next, first_epoch, {1}));
    auto forged = granted_or_forged();
    auto before = file;
    if (apply_ended(file, any_report(forged)) == verdict::unknown)
      REQUIRE(file == before);
  }

  grant_token granted_or_forged() {
    return {{9, 9}, {file.build.id, {static_cast<uint32_t>(pick(5))}, {1}}};
  }

  void check() {
    for (size_t i = 0; i < file.steps.size(); ++i) {
      const auto& step = file.steps[i];
      if (accepted[i].value != 0)
        REQUIRE(step.accepted == accepted[i]);
      accepted[i] = step.accepted;
      size_t live = 0;
      size_t beside = 0;
      for (const auto& attempt : step.attempts) {
        bool runs =
          attempt.state == attempt_state::granted || attempt.state == attempt_state::running;
        live += runs && attempt.placement == file.build.placement;
        beside += runs && attempt.hedge && attempt.placement > file.build.placement;
      }
      REQUIRE(live <= 1);
      REQUIRE(beside <= 1);
      if (file.build.state == build_state::finished)
        REQUIRE(live + beside == 0);
    }
  }

  /// The attempt that the build waits for.
  grant_token awaited() const {
    step_index at;
    const auto* attempt = live_attempt(file, &at);
    return {attempt->granted_in, {file.build.id, at, attempt->number}};
  }

  /// One move of the build; false when it has ended.
  bool move() {
    settle_skipped(file);
    auto next = decide_next(file);
    if (std::holds_alternative<finish_build>(next))
      return false;
    if (std::holds_alternative<need_host>(next))
      apply_placed(file, {"h" + std::to_string(pick(3))}, {1});
    else if (auto* grant = std::get_if<grant_step>(&next))
      granted.push_back(apply_grant(file, *grant, first_epoch, {1}));
    else if (std::holds_alternative<close_workspace>(next))
      apply_closed(file, {file.build.id, file.build.placement, {}, {}});
    else
      apply_ended(file, any_report(awaited()));
    if (auto hedge = open_hedge(file); hedge && pick(2) == 0)
      apply_ended(file, any_report(hedge->token));
    return true;
  }
};

} // namespace

TEST_CASE("progress: under random events a result is accepted once and every build ends") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    life one{seed};
    int moves = 0;
    while (one.move()) {
      one.check();
      if (moves < 40)
        one.disturb();
      one.check();
      REQUIRE(++moves < 400);
    }
    auto end = std::get<finish_build>(decide_next(one.file));
    REQUIRE(end.outcome != result::none);
    REQUIRE_FALSE(end.reason.empty());
  }
}
