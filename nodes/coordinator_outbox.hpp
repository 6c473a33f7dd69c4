#pragma once
// The coordinator's outbox with its ports, from its start to its end.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "actors/outbox_types.hpp"

#include <atomic>

namespace drover {

/// Tells people what happens on the farm for as long as it lives.
class people_told {
public:
  people_told(caf::actor_system& system, const farm_actors& farm, const farm_settings& settings,
              const std::string& config_folder);
  const outbox_actor& actor() const { return actor_; }
  /// Ends what is being delivered; what was not goes on with the next start.
  void stop();

private:
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  outbox_actor actor_;
};

} // namespace drover
