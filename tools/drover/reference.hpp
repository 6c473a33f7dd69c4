#pragma once
// All commands and options as `--help` knows them, written for docs/CLI.md and
// docs/man/drover.1.scd.
// SPDX-License-Identifier: Apache-2.0

#include <string>

namespace CLI {
class App;
}

namespace drover::cli {

/// The commands as Markdown.
std::string reference_markdown(const CLI::App& app);
/// The same for scdoc, which makes manual pages.
std::string reference_scdoc(const CLI::App& app);

} // namespace drover::cli
