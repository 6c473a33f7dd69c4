#pragma once
// What really happened on the hosts, seen from outside of the farm.
// SPDX-License-Identifier: Apache-2.0

#include "schema/keeper.hpp"
#include "tests/sim/chance.hpp"

#include <map>
#include <set>
#include <string>

namespace drover::sim {

/// Bytes of an endless stream that depends on `seed` alone: outputs, sources, artifacts.
inline std::string stream_bytes(uint64_t seed, uint64_t offset, size_t size) {
  constexpr size_t word_bytes = sizeof(uint64_t);
  std::string bytes(size, '\0');
  auto before = offset % word_bytes; // of the first word
  auto number = seed + offset / word_bytes;
  size_t at = 0;
  if (before > 0) {
    auto word = mixed(number++);
    at = std::min(size, word_bytes - before);
    std::memcpy(bytes.data(), reinterpret_cast<const char*>(&word) + before, at);
  }
  for (; at + word_bytes <= size; at += word_bytes) {
    auto word = mixed(number++);
    std::memcpy(bytes.data() + at, &word, word_bytes);
  }
  if (at < size) {
    auto word = mixed(number);
    std::memcpy(bytes.data() + at, &word, size - at);
  }
  return bytes;
}

inline uint64_t stream_of(const attempt_id& attempt) {
  return mixed(mixed(attempt.build.value * 1000 + attempt.step.value) + attempt.attempt.value);
}

/// One attempt's process, on whichever disk it ran last.
struct process_truth {
  std::map<uint64_t, uint32_t> starts; ///< disk: how often started
  std::string host;
  bool running = false;
  bool keeper_died = false;
  result outcome = result::none;
  int32_t exit_code = -1;
  uint64_t log_bytes = 0;
};

struct witness {
  std::map<grant_token, process_truth> processes;
  std::set<grant_token> running; ///< those of them that run now
  /// The machines that a step of a poisonous build has killed.
  std::map<std::pair<build_id, step_index>, std::set<std::string>> killed;
};

inline std::string text_of(const attempt_id& id) {
  return std::to_string(id.build.value) + "/" + std::to_string(id.step.value) + "/"
         + std::to_string(id.attempt.value);
}
inline std::string text_of(const grant_token& token) {
  return text_of(token.attempt) + "@" + std::to_string(token.granted_in.counter);
}

} // namespace drover::sim
