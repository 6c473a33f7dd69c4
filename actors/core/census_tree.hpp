#pragma once
// The order in which actors are shown: a tree, each parent before its children.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

namespace drover::core {

/// Sorts the entries of one node as a tree, siblings by name. An entry whose parent is not among
/// them is a root; none is lost, even if parents name each other in a ring.
std::vector<actor_entry> as_tree(std::vector<actor_entry> entries);

} // namespace drover::core
