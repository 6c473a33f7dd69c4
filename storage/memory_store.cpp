// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_store.hpp"

#include <algorithm>

namespace drover::storage {

namespace {

constexpr size_t index_of(family where) {
  return static_cast<size_t>(where);
}

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
    if (const auto* write = std::get_if<put>(&operation)) {
      visible_[index_of(write->where)][write->key] =
        std::make_shared<const std::string>(write->value);
      touched.emplace(write->where, write->key);
    } else {
      const auto& gone = std::get<erase>(operation);
      visible_[index_of(gone.where)].erase(gone.key);
      touched.emplace(gone.where, gone.key);
    }
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
    const auto& from = visible_[index_of(where)];
    auto& to = durable_[index_of(where)];
    if (auto found = from.find(key); found != from.end())
      to[key] = found->second;
    else
      to.erase(key);
  }
  places.clear();
}

expected<std::optional<std::string>> memory_store::get(family where, std::string_view key) const {
  std::lock_guard lock{mutex_};
  const auto& from = visible_[index_of(where)];
  auto found = from.find(key);
  if (found == from.end())
    return std::optional<std::string>{};
  return std::optional<std::string>{*found->second};
}

std::optional<failure>
memory_store::scan(family where, std::string_view from, std::string_view to, scan_order order,
                   const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to)
    return std::nullopt;
  // Held while visiting: the scan sees whole batches only. `visit` may read, but not commit.
  std::lock_guard lock{mutex_};
  const auto& entries = visible_[index_of(where)];
  auto first = entries.lower_bound(from);
  auto last = entries.lower_bound(to);
  if (order == scan_order::ascending) {
    for (; first != last; ++first)
      if (!visit(first->first, *first->second))
        break;
  } else {
    while (last != first) {
      --last;
      if (!visit(last->first, *last->second))
        break;
    }
  }
  return std::nullopt;
}

void memory_store::crash() {
  std::lock_guard lock{mutex_};
  visible_ = durable_;
  unsynced_.clear();
  unflushed_.clear();
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
  auto& entries = visible_[index_of(where)];
  auto found = entries.find(key);
  if (found == entries.end() || byte >= found->second->size())
    return false;
  auto value = *found->second;
  value[byte] = static_cast<char>(value[byte] ^ 1);
  found->second = std::make_shared<const std::string>(std::move(value));
  durable_[index_of(where)][std::string{key}] = found->second;
  return true;
}

} // namespace drover::storage
