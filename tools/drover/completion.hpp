#pragma once
// What a shell may offer for the word under the cursor, from the commands as `--help` knows them
// and from the farm.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/command.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drover::cli {

/// A word to offer, and what it is; `about` may be empty.
struct offer {
  std::string word, about;
  friend bool operator==(const offer&, const offer&) = default;
};

/// What belongs where the cursor is: words that are known, or a list that only the farm has.
struct completion_place {
  std::vector<offer> offers;
  std::string kind;    ///< as "BUILDER", "HOST", "ID"; empty: nothing of the farm's
  std::string command; ///< the command that it belongs to
  std::string build;   ///< the build that was named before, for its steps and artifacts
};

/// `words` are those behind "drover"; the last one is what was typed so far of the word to
/// complete.
completion_place find_place(const CLI::App& app, const std::vector<std::string>& words);

/// Prints the offers that begin as the last word does, "WORD TAB ABOUT" a line. Asks the farm for
/// at most limits::completion_bound; whatever goes wrong, nothing is said: a shell would show it in
/// the middle of what is being typed.
int complete_words(const CLI::App& app, const std::vector<std::string>& words);

/// The script for "bash", "zsh" or "fish".
std::optional<std::string> completion_script(const std::string& shell);

/// drover completion SHELL.
void add_completion(CLI::App& app, command_line& line);

} // namespace drover::cli
