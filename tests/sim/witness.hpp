#pragma once
// What really happened on the hosts, seen from outside of the farm.
// SPDX-License-Identifier: Apache-2.0

#include "schema/keeper.hpp"
#include "tests/sim/chance.hpp"

#include <map>
#include <string>

namespace drover::sim {

/// Bytes of an endless stream that depends on `seed` alone: outputs, sources, artifacts.
inline std::string stream_bytes(uint64_t seed, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) {
    auto at = offset + i;
    if (i == 0 || at % 8 == 0)
      word = mixed(seed + at / 8);
    bytes[i] = static_cast<char>(word >> (8 * (at % 8)));
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
};

inline std::string text_of(const attempt_id& id) {
  return std::to_string(id.build.value) + "/" + std::to_string(id.step.value) + "/"
         + std::to_string(id.attempt.value);
}
inline std::string text_of(const grant_token& token) {
  return text_of(token.attempt) + "@" + std::to_string(token.granted_in.counter);
}

} // namespace drover::sim
