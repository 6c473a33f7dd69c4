#pragma once
// How the farm speaks to people by itself: the outbox, the ports that it delivers through, and the
// bots of IRC.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "actors/outbox.hpp"
#include "nodes/reporters/irc_desk.hpp"
#include "nodes/reporters/reporters.hpp"

namespace drover {

/// From the start of the coordinator until `stop`, before the farm's actors are stopped. Its actors
/// end the process if they die.
class farm_voice {
public:
  /// `folder`: what files of the configuration are relative to.
  farm_voice(caf::actor_system& system, const farm_actors& farm, const farm_settings& settings,
             const std::string& folder);
  void stop();
  const outbox_actor& outbox() const { return outbox_; }

private:
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  irc_desk_actor irc_;
  outbox_actor outbox_;
};

} // namespace drover
