#pragma once
// Which files are candidates, and the changes that they make; links of an index page. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"

#include <string>
#include <vector>

namespace drover::sources {

/// Whether `name` is a file to be built: it matches (`*` and `?`), it can be a file's name, and it
/// is not one that is still being written (".part", ".tmp", ".partial", a leading dot, "~").
bool is_candidate(const std::string& name, const std::string& match);

/// `name_known`: something else was there under this name before.
found_change tarball_change(const std::string& name, const std::string& identity, bool name_known);

/// The names of files that a page of links points to, decoded, in the page's order, each once.
/// Links that lead out of the page's own folder are left out.
std::vector<std::string> linked_names(std::string_view page);

/// `name` as it stands in a URL.
std::string url_escaped(std::string_view name);

} // namespace drover::sources
