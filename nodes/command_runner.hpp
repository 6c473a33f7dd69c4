#pragma once
// Commands of the farm's own, run by /bin/sh beside the coordinator, each on a thread of its own.
// SPDX-License-Identifier: Apache-2.0

#include "actors/command_port.hpp"
#include "schema/limits_healing.hpp"

#include <memory>

namespace drover {

/// `patience` is how long a command may take.
class command_runner final : public command_port {
public:
  explicit command_runner(milliseconds patience = limits::ladder_command_timeout);
  ~command_runner() override;
  /// Kills what still runs and waits for it; nothing is run after that.
  void stop();
  void run(const std::string& command, const string_map& environment, done over) override;

private:
  struct crew;
  std::shared_ptr<crew> crew_;
};

} // namespace drover
