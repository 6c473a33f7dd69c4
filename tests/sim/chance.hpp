#pragma once
// All chance of the simulation, from one seed, and the hash that tells whether two runs are the
// same.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace drover::sim {

using std::chrono::milliseconds;

/// Mixes all bits of `value`; the same on every machine.
constexpr uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15ull;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

/// A generator whose numbers do not depend on the standard library.
class chance {
public:
  explicit chance(uint64_t seed) : state_{mixed(seed)} {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    return mixed(state_);
  }

  /// From `low` to `high`, both included.
  uint64_t between(uint64_t low, uint64_t high) { return low + next() % (high - low + 1); }

  milliseconds between(milliseconds low, milliseconds high) {
    auto span = static_cast<uint64_t>((high - low).count());
    return low + milliseconds{static_cast<int64_t>(between(0, span))};
  }

  /// True in about `share` of 1.
  bool happens(double share) {
    return static_cast<double>(next() >> 11) < share * 9007199254740992.0;
  }

private:
  uint64_t state_;
};

/// Over everything that happened, eight bytes at a time. The same on machines of one byte order.
class trace_hash {
public:
  void add(std::string_view bytes) {
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, sizeof word);
      add(word);
    }
    uint64_t rest = bytes.size();
    for (; at < bytes.size(); ++at)
      rest = rest << 8 | static_cast<unsigned char>(bytes[at]);
    add(rest);
  }
  uint64_t value() const { return value_; }

private:
  void add(uint64_t word) {
    value_ = (value_ ^ word) * 0x9fb21c651e98df25ull;
    value_ ^= value_ >> 32;
  }

  uint64_t value_ = 0xcbf29ce484222325ull;
};

inline uint64_t hash_of(std::string_view bytes) {
  trace_hash hash;
  hash.add(bytes);
  return hash.value();
}

} // namespace drover::sim
