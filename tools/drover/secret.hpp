#pragma once
// Asks for a password: on the terminal without echo, or from a pipe.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <string>

namespace drover::cli {

/// Asks twice on the terminal and shows nothing of it; Ctrl-C and the end of input give up.
expected<std::string> ask_new_password(const std::string& account);
/// The first line of standard input.
expected<std::string> read_password_line();

} // namespace drover::cli
