#pragma once
// Actors as a tree: in which order and how far indented they are shown.
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <string>
#include <vector>

namespace drover::cli {

struct tree_node {
  std::string node; ///< the machine
  std::string name;
  std::string parent; ///< empty for a root
};

struct tree_line {
  size_t index = 0;   ///< into what was given
  std::string prefix; ///< the branches in front of the name
};

/// Each given node exactly once, whatever parents say: those whose parent is not there, or that are
/// their own ancestors, are shown as roots. Machines stay together, in the order of their coming.
std::vector<tree_line> tree_lines(const std::vector<tree_node>& nodes);

} // namespace drover::cli
