#pragma once
// Who must wait before another password may be tried: wrong tries by account and by address. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/ids.hpp"

#include <chrono>
#include <string>
#include <unordered_map>

namespace drover::core {

using std::chrono::milliseconds;

/// One try to sign in.
struct sign_in_try {
  std::string account; ///< as typed; that it exists is not known here
  std::string address; ///< where it comes from
  bool shared = false; ///< many people may come from there: no long pauses
};

/// Remembers wrong tries, a bounded number of them. An account that does not exist is treated as
/// one that does. Whoever has signed in from an address is not kept out there by what others try
/// elsewhere.
class sign_in_guard {
public:
  /// How long this try must wait; zero: it may be made now, and counts as wrong until it is said to
  /// be right or to be none. Tries that must wait count for nothing.
  milliseconds begin(const sign_in_try& made, wall_time now);
  /// The password was right.
  void succeeded(const sign_in_try& made);
  /// It could not be told whether it was.
  void take_back(const sign_in_try& made);

private:
  struct tries {
    uint32_t wrong = 0;
    wall_time last;
  };
  using table = std::unordered_map<std::string, tries>;

  static milliseconds pause_of(const table& from, const std::string& key, milliseconds most,
                               wall_time now);
  static void count(table& into, const std::string& key, wall_time now);
  static void uncount(table& from, const std::string& key);
  bool is_known(const sign_in_try& made) const;

  table accounts_, addresses_;
  std::unordered_map<std::string, uint64_t> known_; ///< account and address -> when, by number
  uint64_t successes_ = 0;
};

/// The pause after so many wrong tries.
milliseconds sign_in_pause(uint32_t wrong, milliseconds most);

/// What tries are counted by: an IPv4 address, or the network of an IPv6 address (64 bits), of
/// which one person has as many as they like. Other texts stay.
std::string network_of(const std::string& address);

} // namespace drover::core
