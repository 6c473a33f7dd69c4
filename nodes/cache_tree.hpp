#pragma once
// Folders that a step may have written, walked and changed without following a link: each name is
// opened from the descriptor of its folder.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "nodes/step_users.hpp"

#include <sys/stat.h>

#include <functional>

namespace drover {

/// A file, link or folder below the root of a walk; other things are passed over.
struct tree_item {
  int folder = -1;  ///< the open folder that it lies in
  std::string name; ///< there
  std::string path; ///< from the root
  struct stat info = {};
  bool is_file() const { return S_ISREG(info.st_mode); }
  bool is_link() const { return S_ISLNK(info.st_mode); }
  bool is_folder() const { return S_ISDIR(info.st_mode); }
};

using tree_visitor = std::function<std::optional<failure>(const tree_item&)>;

/// Visits all below `root` in sorted order of names, folders before what is in them. A root that is
/// not there is empty.
std::optional<failure> walk_tree(const std::string& root, const tree_visitor& visit);

/// Opens a file of a walk; it must still be a regular one.
expected<unique_fd> open_item(const tree_item& item);
/// What a link of a walk says.
expected<std::string> link_target(const tree_item& item);

/// Removes `name` in `folder`, and all in it.
std::optional<failure> remove_at(int folder, const std::string& name);

/// Moves all below `from`, which nobody else can reach, into `into`, which is `owner`'s: what is
/// there under the same names is replaced, folders are merged, modes and owners are set. A time in
/// `from` counts from `since_ns`.
std::optional<failure> merge_tree(const std::string& from, const std::string& into,
                                  const step_user& owner, int64_t since_ns);

} // namespace drover
