#pragma once
// The store as the farm sees it: ordered keys, atomic batches, a promise of durability.
//
// One process opens a store; one actor (the recorder) commits to it, but for content, which the
// artifact store writes. Reads may come from any thread at any time and see whole batches only.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover::storage {

/// Where a key lives. Bulk content has its own family so that it bypasses the write-ahead log;
/// the active set has its own so that a start need not scan history.
enum class family : uint8_t { history = 0, active = 1, log = 2, content = 3 };

struct put {
  family where;
  std::string key;
  std::string value;
  friend bool operator==(const put&, const put&) = default;
};

struct erase {
  family where;
  std::string key;
  friend bool operator==(const erase&, const erase&) = default;
};

/// Operations that become durable together or not at all, in order.
struct write_batch {
  std::vector<std::variant<put, erase>> operations;
  /// Entries of the journal that become durable with the operations. The recorder numbers them and
  /// turns them into puts; a store never sees them.
  std::vector<event_record> events;

  void add(family where, std::string key, std::string value) {
    operations.emplace_back(put{where, std::move(key), std::move(value)});
  }
  void remove(family where, std::string key) {
    operations.emplace_back(erase{where, std::move(key)});
  }
  void append(write_batch other) {
    for (auto& op : other.operations)
      operations.push_back(std::move(op));
    for (auto& event : other.events)
      events.push_back(std::move(event));
  }
  bool empty() const { return operations.empty() && events.empty(); }
};

/// Whether a commit returns before or after the data is on disk.
enum class durability : uint8_t { synced, later };

enum class scan_order : uint8_t { ascending, descending };

class store {
public:
  virtual ~store() = default;

  /// Applies `batch` atomically. With `durability::synced` it is on disk when this returns no
  /// error. A failed sync is not survivable: the caller must stop the process (FAULTS.md, row 8).
  virtual std::optional<failure> commit(const write_batch& batch, durability when) = 0;

  /// Makes all of `family::content` durable that was committed with `durability::later`.
  virtual std::optional<failure> flush_content() = 0;

  /// The value of `key`, or nothing. A damaged value is an error, never a wrong value.
  virtual expected<std::optional<std::string>> get(family where, std::string_view key) const = 0;

  /// Calls `visit(key, value)` for keys in [from, to) until it returns false or keys end.
  virtual std::optional<failure>
  scan(family where, std::string_view from, std::string_view to, scan_order order,
       const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
};

} // namespace drover::storage
