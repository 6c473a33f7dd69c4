#pragma once
// Keeps a host's certificate fresh: asks for the next one at two thirds of its life.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/ports.hpp"

#include <memory>
#include <string>

namespace drover {

struct renewal_settings {
  farm_address where;
  std::string keys; ///< the folder that `where.keys` are in
  std::string name;
  std::string version;
  wall_clock clock;
};

/// Works as long as it lives, beside the link and without touching it: the next connection uses the
/// new certificate. Ends before `loop` is stopped.
class renewal {
public:
  /// Not from the loop's thread.
  renewal(edge_loop& loop, const renewal_settings& settings);
  renewal(const renewal&) = delete;
  renewal& operator=(const renewal&) = delete;
  ~renewal();

private:
  class keeper;
  edge_loop& loop_;
  std::shared_ptr<keeper> keeper_; ///< used and destroyed on the loop's thread
};

} // namespace drover
