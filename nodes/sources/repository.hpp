#pragma once
// A mirror of a git or hg repository: brought up to date, asked for revisions, packed.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/sources/command.hpp"
#include "schema/config_model.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::sources {

/// What differs between git and hg. Names that people give are data to both: never an option, an
/// expression or a path.
struct repository {
  /// Makes the mirror, or fetches what is new.
  std::function<std::optional<failure>()> update;
  /// Lines of "branch NUL revision NUL author NUL seconds NUL title".
  std::function<expected<std::string>()> heads;
  /// Lines of "revision NUL author": what `head` has and `before` has not, newest first.
  std::function<expected<std::string>(const std::string& head, const std::string& before)> since;
  /// Packs the tree of a revision (`is_revision`) into `file`.
  std::function<expected<std::string>(const std::string& revision, const std::string& file)>
    archive;
  /// The revision that a branch, a tag or the beginning of a revision names, as a whole one. Not
  /// there: `not_found`; of several: `conflict`, with what they are.
  std::function<expected<std::string>(const std::string& name)> resolve;
  /// Branches and tags, for "did you mean".
  std::function<std::vector<std::string>()> names;
};

/// Of a source of kind git or hg, mirrored below `folder`. `stopping` outlives it.
repository open_repository(const source_spec& source, const std::string& folder,
                           const stop_flag& stopping);

/// 40 or 64 lower-case hex digits: nothing that a command could take for an option or a name.
bool is_revision(const std::string& text);

std::vector<std::string> split(std::string_view text, char separator);

} // namespace drover::sources
