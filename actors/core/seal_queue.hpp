#pragma once
// Which logs wait to be sealed, and whether this is the time for it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/ids.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace drover::core {

struct seal_task {
  attempt_id attempt;
  bool ended = false; ///< what is left of it is sealed too, however little
  friend bool operator==(const seal_task&, const seal_task&) = default;
};

/// Compressing costs more than taking a log in, so it waits until little comes in, but not beyond
/// limits::log_unsealed_max. Logs are sealed in the order in which they had enough for a segment,
/// or ended.
class seal_queue {
public:
  /// So many bytes more of a log are stored.
  void came(attempt_id attempt, uint64_t bytes);
  /// A log of which this queue does not know how much is to be sealed, of an earlier run.
  void found(attempt_id attempt, bool ended);
  void ended(attempt_id attempt);

  /// The log to look at now; none: nothing waits.
  std::optional<seal_task> next() const;
  /// A segment of it was made. True: there may be more of it, which can be told only once that is
  /// committed. False: it is done with, for now.
  bool sealed(attempt_id attempt);
  /// Nothing of it can be sealed, or it is unreadable.
  void drop(attempt_id attempt);

  bool empty() const { return order_.empty(); }
  uint64_t unsealed() const { return unsealed_; }
  /// So much waits that it can't wait.
  bool pressing() const;
  /// Whether little has come in since the last call.
  bool quiet();

private:
  struct waiting {
    uint64_t bytes = 0;
    bool ended = false;
    bool queued = false;
  };
  void enqueue(attempt_id attempt, waiting& log);
  void subtract(waiting& log, uint64_t bytes);

  std::map<attempt_id, waiting> logs_; ///< whatever is not sealed
  std::deque<attempt_id> order_;
  uint64_t unsealed_ = 0;
  uint64_t came_ = 0; ///< since `quiet` was asked
};

} // namespace drover::core
