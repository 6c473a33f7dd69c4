#pragma once
// The words by which a step's command is started: by the shell, or by bubblewrap around it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/keeper.hpp"

namespace drover {

/// Where bubblewrap is installed; empty: nowhere.
std::string find_bubblewrap();

/// The program (an absolute path) and its arguments. In the sandbox there is no network, no other
/// process is seen, and nothing but the order's folders can be written to. ec::refused if the order
/// wants one and this host has no bubblewrap.
expected<std::vector<std::string>> command_line_of(const keeper_order& order);

/// The words before the command, for a sandbox in which `writable` folders can be written to.
std::vector<std::string> sandbox_words(const std::string& bubblewrap,
                                       const std::vector<std::string>& writable);

} // namespace drover
