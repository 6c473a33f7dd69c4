#pragma once
// Whether a tarball is whole, or its upload broke off or is under way.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/sources/command.hpp"

#include <string>

namespace drover::sources {

/// False if the compressed content of the file ends before its end is said: .gz, .bz2, .xz and .zst
/// say it; of other names nothing is known, and they count as whole. Reads all of it, without
/// keeping any; a look at what is inside is the hosts' business.
bool is_whole(const std::string& path, const std::string& name, const stop_flag& stopping);

/// One sentence for people.
std::string not_whole(const std::string& name);

} // namespace drover::sources
