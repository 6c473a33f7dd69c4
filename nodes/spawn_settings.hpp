#pragma once
// posix_spawn's two settings, released in whatever way the function ends.
// SPDX-License-Identifier: Apache-2.0

#include <spawn.h>

namespace drover {

/// To begin with: /dev/null as the input, default signal handling, no blocked signals, and a
/// process group of its own.
struct spawn_settings {
  spawn_settings();
  ~spawn_settings();
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

} // namespace drover
