#pragma once
// Unpacks archives from anybody into a folder, and nothing outside it.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/limits.hpp"

#include <optional>
#include <string>

namespace drover {

struct unpack_bounds {
  uint64_t bytes = limits::unpacked_bytes_max;
  uint64_t entries = limits::unpacked_entries_max;
  bool exact_modes = false; ///< else whoever owns a file may read and write it
};

/// Whether the file says that it is an archive: by its first bytes, or by its name `name`. Then a
/// damaged one is an error, not a file to be taken as it is.
expected<bool> looks_like_archive(const std::string& path, const std::string& name);

/// Unpacks `path` (known to people as `name`) into the empty folder `into`. Files, folders, and
/// links that stay inside; no owners, no set-id bits; anything else is an error that names the
/// entry. After an error `into` holds a part. Runs its own thread, so that no other one's working
/// folder changes.
std::optional<failure> unpack_archive(const std::string& path, const std::string& name,
                                      const std::string& into, const unpack_bounds& bounds = {});

/// Whether following the symlink at `entry` (a path in the archive) to `target` stays inside.
bool link_stays_inside(const std::string& entry, const std::string& target);

} // namespace drover
