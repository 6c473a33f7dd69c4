// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/actor_tree.hpp"

#include <algorithm>

namespace drover::cli {

namespace {

struct drawing {
  const std::vector<tree_node>& nodes;
  std::vector<bool> drawn;
  std::vector<tree_line> lines;
};

std::vector<size_t> children_of(const drawing& all, size_t parent) {
  std::vector<size_t> out;
  for (size_t i = 0; i < all.nodes.size(); ++i)
    if (!all.drawn[i] && all.nodes[i].node == all.nodes[parent].node
        && all.nodes[i].parent == all.nodes[parent].name)
      out.push_back(i);
  return out;
}

/// Draws one with all below it. A stack instead of recursion: the depth comes from others.
void draw(drawing& all, size_t root) {
  struct open_line {
    size_t index;
    std::string prefix; ///< its own
    std::string below;  ///< its children's
  };
  std::vector<open_line> open{{root, "  ", "  "}};
  while (!open.empty()) {
    auto here = open.back();
    open.pop_back();
    if (all.drawn[here.index])
      continue;
    all.drawn[here.index] = true;
    all.lines.push_back({here.index, here.prefix});
    auto children = children_of(all, here.index);
    for (size_t i = children.size(); i-- > 0;) {
      bool last = i + 1 == children.size();
      open.push_back(
        {children[i], here.below + (last ? "└ " : "├ "), here.below + (last ? "  " : "│ ")});
    }
  }
}

bool has_parent(const std::vector<tree_node>& nodes, const tree_node& child) {
  return !child.parent.empty() && std::any_of(nodes.begin(), nodes.end(), [&](const tree_node& at) {
    return at.node == child.node && at.name == child.parent;
  });
}

} // namespace

std::vector<tree_line> tree_lines(const std::vector<tree_node>& nodes) {
  drawing all{nodes, std::vector<bool>(nodes.size(), false), {}};
  std::vector<std::string> machines;
  for (const auto& each : nodes)
    if (std::find(machines.begin(), machines.end(), each.node) == machines.end())
      machines.push_back(each.node);
  for (const auto& machine : machines) {
    for (size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].node == machine && !has_parent(nodes, nodes[i]))
        draw(all, i);
    for (size_t i = 0; i < nodes.size(); ++i) // what is left goes round in circles
      if (nodes[i].node == machine && !all.drawn[i])
        draw(all, i);
  }
  return std::move(all.lines);
}

} // namespace drover::cli
