#pragma once
// Judges how the farm heals itself: second attempts, alarms, quarantine, poison, and its journal.
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/disk.hpp"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace drover::sim {

/// Knows what the hosts really did, and what the coordinator could know of it. What can't be told
/// for sure, since the coordinator was away or deaf in between, is not judged.
class healing_judge {
public:
  using builds = std::map<build_id, build_file>;

  healing_judge(engine& on, witness& seen, const builds& known)
      : engine_{on}, witness_{seen}, builds_{known} {}

  /// Begins to look, for as long as the run lasts.
  void watch(const farm_config& config);

  // -- what happens --
  void farm_is_new();
  /// For so long from now on the coordinator, or what it waits for, is slower than it promises.
  void farm_is_deaf(milliseconds time);
  /// A disk hangs for so long: what was decided may be recorded that much later.
  void disk_is_slow(milliseconds time);
  bool may_lag() const { return engine_.now() < lags_until_; }
  void herd_cut(const std::vector<host_name>& gone, size_t all);
  void host_heard(const host_name& host);
  void build_changed(const build_file& before, const build_file& after);
  void process_started(const grant_token& token, const host_disk& disk);
  void told(const event_record& event);
  void journal_is_back_at(uint64_t sequence) { last_event_ = sequence; }

  /// Wall clocks are moved: what the farm derives from them is not foretold here.
  void clocks_move() { clocks_move_ = true; }

  bool nobody_is_quarantined() const { return quarantined_.empty(); }
  void at_end();

private:
  struct red {
    build_id build;
    std::string builder;
    milliseconds began{0};
  };
  struct verdict {
    host_name host;
    milliseconds at{0};
    std::vector<build_id> builds;
    bool excused = false; ///< the coordinator died before it could do all that follows
  };
  struct told_of {
    size_t lost = 0;
    size_t hedged = 0;
  };

  void look();
  void look_for_hedges();
  bool needs_hedge(const build_file& file) const;
  bool has_free_slot(const build_file& file) const;
  bool is_up(const host_name& host) const;
  bool was_up(const host_name& host) const;
  milliseconds silence(const host_name& host) const;
  void check_alarm(const std::vector<host_name>& gone, milliseconds cut);
  void ended(const build_file& file);
  std::set<std::string> known_killed(const attempt_id& id) const;
  size_t proofs_against(const host_name& host) const;
  void check_quarantine(const event_record& event);
  void check_reasons(const build_file& file);
  void breach(const std::string& what) { engine_.fail(what); }

  engine& engine_;
  witness& witness_;
  const builds& builds_;
  std::map<host_name, uint32_t> slots_;
  std::map<host_name, milliseconds> heard_;
  std::map<host_name, milliseconds> up_since_; ///< without a gap
  milliseconds calm_since_{0};                 ///< the coordinator hears and answers at once
  milliseconds lags_until_{0};
  milliseconds farm_since_{0};
  std::set<build_id> running_;
  std::map<build_id, milliseconds> hedge_due_;
  std::map<build_id, milliseconds> began_;
  std::map<host_name, std::vector<red>> streaks_;
  std::map<std::string, std::map<host_name, milliseconds>> passes_;
  std::map<host_name, milliseconds> quarantine_due_;
  std::set<host_name> quarantined_;
  std::vector<verdict> verdicts_;
  std::map<build_id, told_of> told_;
  std::optional<milliseconds> alarm_since_;
  milliseconds last_alarm_{-1};
  size_t hedged_in_alarm_ = 0;
  uint64_t last_event_ = 0;
  bool clocks_move_ = false;
};

} // namespace drover::sim
