#pragma once
// What must hold of every run, whatever the workload and the faults: judges, and never helps.
// SPDX-License-Identifier: Apache-2.0

#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/sim/healing.hpp"
#include "tests/sim/link.hpp"

namespace drover::sim {

/// What the farm has acknowledged.
struct promises {
  std::set<build_id> builds;
  std::set<build_id> cancelled;
  std::set<campaign_id> campaigns;
  std::map<attempt_id, uint64_t> logs;
  std::set<grant_token> results;
};

/// Watches commits, links and processes while the farm runs; the first breach fails the run.
class checkers final : public link_watcher {
public:
  checkers(engine& on, witness& seen, std::shared_ptr<storage::memory_store> store)
      : engine_{on}, witness_{seen}, store_{std::move(store)}, healing{on, seen, seen_} {}

  // -- what happens --
  void committed(const storage::write_batch& batch);
  void host_hears(const host_name& host, const farm_message& message) override;
  void farm_hears(const host_name& host, const host_message& message) override;
  void process_started(const grant_token& token, const host_disk& disk, uint32_t slots);
  /// The host's machine lost its power, perhaps its disk as well; or has come up again.
  void began_anew(const host_name& host) {
    began_anew_[host] = engine_.now();
    unwelcomed_.insert(host);
  }
  void submission_acknowledged(const submitted& answer);
  void cancel_acknowledged(build_id build);

  // -- when to look --
  /// The store has just lost what was not durable at these places.
  void after_crash(const std::set<storage::memory_store::place>& lost);
  bool all_builds_over() const { return unfinished_.empty(); }
  /// What was acknowledged before the last crash is there still; the rest is for the next one.
  void check_old_promises() { check_kept(promises_); }
  /// Long after all faults are over.
  void at_end();
  void host_at_end(const host_name& host, const host_disk& disk);

  size_t builds() const { return seen_.size(); }
  const std::map<build_id, build_file>& seen() const { return seen_; }

private:
  void compare(const build_file& before, const build_file& after);
  void compare_step(const build_file& file, const step_record& before, const step_record& after);
  void check_accepted(const build_file& file, const step_record& step);
  void check_new_attempt(const build_file& file, const step_record& step, size_t index);
  void check_hedge(const build_file& file, const step_record& step, size_t index);
  milliseconds silence_of(const host_name& host);
  void check_lost(const build_file& file, const attempt_record& attempt, const step_record& step);
  void check_log(const build_file& file, const step_record& step, const attempt_record& attempt);
  void check_artifacts(const build_file& file);
  void check_promises(const promises& made);
  void see_again(build_id build);
  void check_kept(const promises& made);
  void saw(build_id build, build_file file);
  std::optional<build_file> stored(build_id build) const;
  void breach(const std::string& what) { engine_.fail(what); }

  engine& engine_;
  witness& witness_;
  std::shared_ptr<storage::memory_store> store_;
  std::map<build_id, build_file> seen_;

public:
  healing_judge healing;

private:
  std::map<host_name, milliseconds> heard_;
  std::map<host_name, milliseconds> broken_;     ///< how long the silence before its last word was
  std::map<host_name, milliseconds> began_anew_; ///< when
  std::set<host_name> unwelcomed_;               ///< since they began anew
  std::map<attempt_id, milliseconds> granted_;   ///< when
  std::set<build_id> unfinished_;
  std::set<build_id> moved_; ///< a host was lost under them
  promises promises_;        ///< found durable by the last crash
  promises fresh_;           ///< since then
};

} // namespace drover::sim
