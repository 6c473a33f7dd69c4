#pragma once
// A store in memory that forgets what was not synced when it is told to crash; for tests.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace drover::storage {

/// Behaves as rocks_store does: `durability::later` lasts from the next synced commit on, but in
/// batches of `family::content` alone only from `flush_content` on (they go around the log).
class memory_store final : public store {
public:
  std::optional<failure> commit(const write_batch& batch, durability when) override;
  std::optional<failure> flush_content() override;
  expected<std::optional<std::string>> get(family where, std::string_view key) const override;
  std::optional<failure> scan(
    family where, std::string_view from, std::string_view to, scan_order order,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const override;

  using place = std::pair<family, std::string>;

  /// Power loss: what was not durable is gone. The object goes on as the store opened again.
  /// Answers the keys that had changed since, in order; all else is as it was.
  std::set<place> crash();
  /// The next `commits` commits answer `ec::io` and change nothing.
  void fail_next_commits(size_t commits);
  /// Commits that succeeded, synced or not: what a test counts.
  uint64_t commits() const;
  /// Flips the lowest bit of a stored value's byte, now and durably; false if there is none.
  bool damage(family where, std::string_view key, size_t byte);

private:
  using value = std::shared_ptr<const std::string>;
  /// What is visible and what would be there after a crash; null: nothing. Values are shared.
  struct cell {
    value now;
    value durable;
  };
  using table = std::map<std::string, cell, std::less<>>;
  static constexpr size_t families = 4;

  void make_durable(std::set<place>& places);
  table& of(family where) { return tables_[static_cast<size_t>(where)]; }
  const table& of(family where) const { return tables_[static_cast<size_t>(where)]; }

  // Guards all below: reads come from any thread. Recursive, so that `visit` may read too.
  mutable std::recursive_mutex mutex_;
  std::array<table, families> tables_;
  std::set<place> unsynced_;  // written through the log, not synced
  std::set<place> unflushed_; // written around the log
  size_t failures_ahead_ = 0;
  uint64_t commits_ = 0;
};

} // namespace drover::storage
