#pragma once
// How the coordinator runs commands of the farm's own: to bring hosts back, to start and stop them.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"

#include <functional>
#include <string>

namespace drover {

/// Runs commands beside the coordinator, by /bin/sh.
class command_port {
public:
  virtual ~command_port() = default;

  /// How it ended: its exit code (128 + n for signal n; -1: it could not be started) and the end of
  /// what it printed, or why it could not be started.
  using done = std::function<void(int32_t exit_code, const std::string& output)>;

  /// Returns at once; calls `over` once, from any thread. A command that outlasts
  /// limits::ladder_command_timeout is killed. More than limits::ladder_commands_max at a time wait
  /// for each other.
  virtual void run(const std::string& command, const string_map& environment, done over) = 0;
};

} // namespace drover
