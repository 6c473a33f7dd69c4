#pragma once
// How much lies in a folder.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <string>

namespace drover {

/// What lies directly in the folder; SIZE_MAX if it can't be read, or a link has come in its place.
size_t entries_in(const std::string& folder);

} // namespace drover
