// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/watched_store.hpp"

namespace drover::sim {

namespace {

uint64_t hash_of(const storage::write_batch& batch) {
  trace_hash hash;
  for (const auto& operation : batch.operations) {
    if (const auto* put = std::get_if<storage::put>(&operation)) {
      hash.add(put->key);
      hash.add(put->value);
    } else {
      hash.add("-" + std::get<storage::erase>(operation).key);
    }
  }
  return hash.value();
}

} // namespace

std::optional<failure> watched_store::commit(const storage::write_batch& batch,
                                             storage::durability when) {
  if (!*alive_)
    return std::nullopt;
  if (fails && fails())
    return failure{ec::io, "store: commit failed: the disk said no"};
  auto problem = inner_->commit(batch, when);
  engine_.note("commit " + std::to_string(batch.operations.size()) + " "
               + std::to_string(hash_of(batch)));
  if (!problem)
    committed_(batch);
  return problem;
}

std::optional<failure> watched_store::flush_content() {
  return *alive_ ? inner_->flush_content() : std::nullopt;
}

expected<std::optional<std::string>> watched_store::get(storage::family where,
                                                        std::string_view key) const {
  return inner_->get(where, key);
}

std::optional<failure> watched_store::scan(
  storage::family where, std::string_view from, std::string_view to, storage::scan_order order,
  const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  return inner_->scan(where, from, to, order, visit);
}

} // namespace drover::sim
