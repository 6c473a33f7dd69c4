#pragma once
// `drover up`: a whole farm on this machine, kept running until it is told to stop.
// SPDX-License-Identifier: Apache-2.0

namespace CLI {
class App;
}

namespace drover::cli {

/// Adds the command `up` (and the hidden `up-child`, by which it starts programs that end with it)
/// to `app`. When one of them runs, `exit_code` becomes the process's exit code: 0 stopped as
/// asked, 1 the farm does not start, 2 wrong usage or config, 4 another `drover up` holds the
/// folder.
void add_up(CLI::App& app, int& exit_code);

} // namespace drover::cli
