// SPDX-License-Identifier: Apache-2.0
#include "actors/core/seal_queue.hpp"

#include "schema/limits.hpp"
#include "schema/limits_log.hpp"

#include <algorithm>
#include <utility>

namespace drover::core {

void seal_queue::enqueue(attempt_id attempt, waiting& log) {
  if (!std::exchange(log.queued, true))
    order_.push_back(attempt);
}

void seal_queue::subtract(waiting& log, uint64_t bytes) {
  bytes = std::min(bytes, log.bytes);
  log.bytes -= bytes;
  unsealed_ -= bytes;
}

void seal_queue::came(attempt_id attempt, uint64_t bytes) {
  auto& log = logs_[attempt];
  log.bytes += bytes;
  unsealed_ += bytes;
  came_ += bytes;
  if (log.bytes >= limits::log_segment_bytes)
    enqueue(attempt, log);
}

void seal_queue::found(attempt_id attempt, bool ended) {
  auto& log = logs_[attempt];
  log.ended |= ended;
  log.bytes += limits::log_segment_bytes; // so that it is looked at until nothing is left
  unsealed_ += limits::log_segment_bytes;
  enqueue(attempt, log);
}

void seal_queue::ended(attempt_id attempt) {
  auto& log = logs_[attempt];
  log.ended = true;
  enqueue(attempt, log);
}

std::optional<seal_task> seal_queue::next() const {
  if (order_.empty())
    return std::nullopt;
  return seal_task{order_.front(), logs_.at(order_.front()).ended};
}

bool seal_queue::sealed(attempt_id attempt) {
  auto& log = logs_[attempt];
  // A segment is a little shorter where the next chunk did not fit into it.
  bool long_one = log.bytes > limits::log_segment_bytes - limits::log_chunk_bytes;
  subtract(log, limits::log_segment_bytes);
  if (long_one && (log.ended || log.bytes >= limits::log_segment_bytes))
    return true;
  if (log.ended) {
    drop(attempt);
    return false;
  }
  log.queued = false;
  std::erase(order_, attempt);
  return false;
}

void seal_queue::drop(attempt_id attempt) {
  auto known = logs_.find(attempt);
  if (known == logs_.end())
    return;
  std::erase(order_, attempt);
  subtract(known->second, known->second.bytes);
  logs_.erase(known);
}

bool seal_queue::pressing() const {
  return unsealed_ >= limits::log_unsealed_max;
}

bool seal_queue::quiet() {
  return std::exchange(came_, 0) < limits::seal_quiet_bytes;
}

} // namespace drover::core
