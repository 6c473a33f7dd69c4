#pragma once
// The parts of `drover admin`.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/command.hpp"

namespace drover::cli {

/// admin token create, list, revoke.
void add_tokens(CLI::App& admin, command_line& line);
/// admin notices retry, test.
void add_notice_orders(CLI::App& admin, command_line& line);
/// admin config show, list, diff; admin reload.
void add_config(CLI::App& admin, command_line& line);

} // namespace drover::cli
