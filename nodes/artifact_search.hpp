#pragma once
// Finds the regular files below a folder, without following a link out of it.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "schema/model.hpp"

#include <functional>

namespace drover {

/// Calls `found` with the relative path of each regular file below `root`, in sorted order of names
/// within a folder. Links are not followed; other things than files are passed over.
std::optional<failure>
walk_files(const std::string& root,
           const std::function<std::optional<failure>(const std::string&)>& found);

/// Opens the regular file `path` below `root`; a link or ".." anywhere in the path is an error.
expected<unique_fd> open_below(const std::string& root, const std::string& path);

/// Files under `outputs`, and those under `work` that match one of `globs`, with digests. A file of
/// both goes by the one under `outputs`. A name that can't be shown is an error that says which.
expected<std::vector<artifact_ref>> find_artifacts(const std::string& outputs,
                                                   const std::string& work,
                                                   const std::vector<std::string>& globs);

} // namespace drover
