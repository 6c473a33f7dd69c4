// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_store.hpp"

#include <algorithm>
#include <utility>

namespace drover::storage {

namespace {

bool is_content(const std::variant<put, erase>& operation) {
  return std::visit([](const auto& op) { return op.where == family::content; }, operation);
}

} // namespace

std::optional<failure> memory_store::commit(const write_batch& batch, durability when) {
  std::lock_guard lock{mutex_};
  if (failures_ahead_ > 0) {
    --failures_ahead_;
    return failure{ec::io, "store: commit failed: this store was told to fail"};
  }
  auto around_log = when == durability::later
                    && std::all_of(batch.operations.begin(), batch.operations.end(), is_content);
  auto& touched = around_log ? unflushed_ : unsynced_;
  for (const auto& operation : batch.operations) {
    const auto* write = std::get_if<put>(&operation);
    auto where = write != nullptr ? write->where : std::get<erase>(operation).where;
    const auto& key = write != nullptr ? write->key : std::get<erase>(operation).key;
    auto& kept = of(where)[key];
    kept.now = write != nullptr ? std::make_shared<const std::string>(write->value) : nullptr;
    if (when == durability::synced && kept.now)
      kept.durable = kept.now;
    else
      touched.emplace(where, key);
  }
  if (when == durability::synced)
    make_durable(unsynced_);
  ++commits_;
  return std::nullopt;
}

std::optional<failure> memory_store::flush_content() {
  std::lock_guard lock{mutex_};
  make_durable(unflushed_);
  return std::nullopt;
}

void memory_store::make_durable(std::set<place>& places) {
  for (const auto& [where, key] : places) {
    auto found = of(where).find(key);
    if (found == of(where).end())
      continue;
    found->second.durable = found->second.now;
    if (!found->second.now)
      of(where).erase(found);
  }
  places.clear();
}

expected<std::optional<std::string>> memory_store::get(family where, std::string_view key) const {
  std::lock_guard lock{mutex_};
  auto found = of(where).find(key);
  if (found == of(where).end() || !found->second.now)
    return std::optional<std::string>{};
  return std::optional<std::string>{*found->second.now};
}

std::optional<failure>
memory_store::scan(family where, std::string_view from, std::string_view to, scan_order order,
                   const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to)
    return std::nullopt;
  // Held while visiting: the scan sees whole batches only. `visit` may read, but not commit.
  std::lock_guard lock{mutex_};
  const auto& entries = of(where);
  auto first = entries.lower_bound(from);
  auto last = entries.lower_bound(to);
  if (order == scan_order::ascending) {
    for (; first != last; ++first)
      if (first->second.now && !visit(first->first, *first->second.now))
        break;
  } else {
    while (last != first) {
      --last;
      if (last->second.now && !visit(last->first, *last->second.now))
        break;
    }
  }
  return std::nullopt;
}

std::set<memory_store::place> memory_store::crash() {
  std::lock_guard lock{mutex_};
  auto lost = std::exchange(unsynced_, {});
  lost.merge(std::exchange(unflushed_, {}));
  for (const auto& [where, key] : lost) {
    auto found = of(where).find(key);
    if (found == of(where).end())
      continue;
    found->second.now = found->second.durable;
    if (!found->second.now)
      of(where).erase(found);
  }
  return lost;
}

void memory_store::fail_next_commits(size_t commits) {
  std::lock_guard lock{mutex_};
  failures_ahead_ = commits;
}

uint64_t memory_store::commits() const {
  std::lock_guard lock{mutex_};
  return commits_;
}

bool memory_store::damage(family where, std::string_view key, size_t byte) {
  std::lock_guard lock{mutex_};
  auto found = of(where).find(key);
  if (found == of(where).end() || !found->second.now || byte >= found->second.now->size())
    return false;
  auto bytes = *found->second.now;
  bytes[byte] = static_cast<char>(bytes[byte] ^ 1);
  found->second.now = found->second.durable = std::make_shared<const std::string>(std::move(bytes));
  return true;
}

} // namespace drover::storage
