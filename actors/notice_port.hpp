#pragma once
// How notices leave the farm: one port for each kind of reporter (mail, irc, webhook).
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>

namespace drover {

/// How one try to deliver a notice went.
struct notice_delivery {
  enum class verdict : uint8_t {
    delivered, ///< the other side has taken it
    later,     ///< not now: to be tried again
    never,     ///< refused for good; trying again would not help
  };
  verdict how = verdict::delivered;
  std::string problem = {}; ///< one sentence for people; empty where it was delivered
  friend bool operator==(const notice_delivery&, const notice_delivery&) = default;
};

/// Hands a notice to whoever brings it to people. The same notice may be handed over again after a
/// crash: its `reporter` and `id` never change, so that the other side can tell it (Message-ID of a
/// mail, delivery id of a webhook).
class notice_port {
public:
  virtual ~notice_port() = default;

  /// Blocks until the other side has answered or a bound of time has passed. Called on the outbox's
  /// own thread for this reporter, one at a time.
  virtual notice_delivery deliver(const reporter_spec& reporter, const notice_record& notice) = 0;
};

} // namespace drover
