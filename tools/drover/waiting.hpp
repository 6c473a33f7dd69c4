#pragma once
// Waiting for the builds that an order made, with progress on a terminal.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/command.hpp"

namespace drover::cli {

struct wait_options {
  bool wait = false;
  bool as_json = false;
  double timeout_seconds = 0; ///< 0: for ever
};

/// Adds --wait, --timeout and --json.
void add_wait_options(CLI::App& command, wait_options& options);

/// Waits for all of the answer's `builds[]`; tells each end on standard error. The exit code: the
/// worst of them decides.
int wait_for(const command_line& line, client& farm, const json& submitted, double timeout_seconds);

} // namespace drover::cli
