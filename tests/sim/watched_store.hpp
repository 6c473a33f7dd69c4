#pragma once
// A coordinator's hold on the store: it lets go when the coordinator dies, and tells of each
// commit.
// SPDX-License-Identifier: Apache-2.0

#include "storage/memory_store.hpp"
#include "tests/sim/fakes.hpp"

namespace drover::sim {

/// Commits of a dead coordinator are dropped; what it reads meanwhile nobody hears.
class watched_store final : public storage::store {
public:
  using listener = std::function<void(const storage::write_batch&)>;

  watched_store(engine& on, std::shared_ptr<storage::memory_store> inner, life alive,
                listener committed)
      : engine_{on}, inner_{std::move(inner)}, alive_{std::move(alive)}, committed_{
                                                                           std::move(committed)} {}

  /// Whether the disk fails now; none: never.
  std::function<bool()> fails;

  std::optional<failure> commit(const storage::write_batch& batch,
                                storage::durability when) override;
  std::optional<failure> flush_content() override;
  expected<std::optional<std::string>> get(storage::family where,
                                           std::string_view key) const override;
  std::optional<failure> scan(
    storage::family where, std::string_view from, std::string_view to, storage::scan_order order,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const override;

private:
  engine& engine_;
  std::shared_ptr<storage::memory_store> inner_;
  life alive_;
  listener committed_;
};

} // namespace drover::sim
