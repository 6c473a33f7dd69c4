#pragma once
// What of a simulated host survives its agent: keepers, spool, workspaces.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"
#include "tests/sim/engine.hpp"
#include "tests/sim/witness.hpp"

#include <set>

namespace drover::sim {

/// The builder whose steps kill their machine.
inline constexpr const char* poison_builder = "poison";

/// What is wrong with a host, or right; the world sets it.
struct host_condition {
  bool black_hole = false; ///< every step fails at once
  bool reliable = false;   ///< every step passes, and none kills the machine
  milliseconds clock{0};   ///< how far its wall clock is ahead
};

/// The disk of one host and the keepers that run on it. An agent sees it through a `disk_view`.
class host_disk {
public:
  enum class keeper : uint8_t { none, running, dead, over };

  struct attempt {
    assignment work;
    keeper state = keeper::none;
    bool leftovers = false; ///< processes of the step live, though its keeper is dead
    milliseconds started{0};
    milliseconds lasts{0};
    milliseconds leased_until{0}; ///< of an exclusive step
    bool exclusive = false;
    uint64_t output = 0;   ///< bytes that it prints in all
    uint64_t flushes = 1;  ///< so many at once
    uint64_t log_size = 0; ///< once it runs no more
    keeper_exit plan;
    std::optional<keeper_exit> account;
    bool cancelled = false;
    bool confirmed = false;
    wall_time confirmed_at;
    std::vector<std::function<void()>> watchers;
  };

  host_disk(engine& on, witness& seen, std::string host, uint64_t number)
      : engine_{on}, witness_{seen}, host_{std::move(host)}, number_{number} {}

  std::optional<failure> enter(const assignment& work);
  std::optional<failure> start(const keeper_order& order);
  void watch(const grant_token& token, std::function<void()> gone);
  void cancel(const grant_token& token, const std::string& reason);
  void renew_lease(const grant_token& token, milliseconds left);
  std::optional<failure> close(const grant_token& token, const keeper_exit& account);
  uint64_t log_size(const grant_token& token) const;
  void confirm(const grant_token& token, wall_time now);
  void forget(const grant_token& token);

  attempt* find(const grant_token& token);
  const attempt* find(const grant_token& token) const;
  const std::map<grant_token, attempt>& attempts() const { return attempts_; }
  spooled_attempt spooled(const attempt& one) const;

  /// The agent is gone: what it watches is watched no more.
  void forget_watchers();
  /// Kills the keeper of one running attempt, if there is one; its step lives on for a while.
  bool kill_a_keeper();
  /// The machine has lost its power: nothing runs any more.
  void power_off();

  size_t running() const;
  size_t leftovers() const;

  /// Called when a process starts; who made the disk sets it.
  std::function<void(const grant_token&, const host_disk&)> on_start;
  /// Called when a step kills the machine.
  std::function<void(const grant_token&)> on_poison;

  host_condition condition;
  std::set<std::pair<build_id, uint32_t>> workspaces;
  std::set<std::pair<build_id, uint32_t>> unpacked;
  std::map<std::pair<build_id, uint32_t>, build_closed> answers; ///< to closed builds
  std::map<std::string, uint64_t> source_bytes;

private:
  void plan(attempt& one, const keeper_order& order);
  void look_at_lease(const grant_token& token);
  void end_early(const grant_token& token, attempt& one, result outcome, const std::string& why);
  void poison(const grant_token& token);
  wall_time wall() const { return {engine_.wall().ms + condition.clock.count()}; }
  void ends(const grant_token& token, const keeper_exit& how);
  void stop(attempt& one, keeper state);
  uint64_t printed(const attempt& one) const;

  engine& engine_;
  witness& witness_;
  std::string host_;
  uint64_t number_;
  std::map<grant_token, attempt> attempts_;
};

} // namespace drover::sim
