#pragma once
// A pseudo terminal for a step's output.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"

namespace drover {

/// The two ends of what a command writes: `write` is the command's, `read` the keeper's.
struct output_ends {
  unique_fd read;
  unique_fd write;
};

/// What TERM says if the step's environment does not.
inline constexpr auto terminal_kind = "xterm-256color";

/// A terminal whose name belongs to `user` (0: as this process). What is written comes out byte for
/// byte, line ends too: the log is no screen. Once nobody has it open any more, reading fails with
/// EIO. Neither end is anybody's controlling terminal, and reading does not block.
expected<output_ends> open_terminal(uint32_t user);

} // namespace drover
