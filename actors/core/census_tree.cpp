// SPDX-License-Identifier: Apache-2.0
#include "actors/core/census_tree.hpp"

#include <algorithm>
#include <set>

namespace drover::core {

namespace {

using children_by_parent = std::map<std::string, std::vector<const actor_entry*>>;

struct walk {
  const children_by_parent& children;
  std::set<std::string> seen;
  std::vector<actor_entry> sorted;

  // Depth first without recursion: how deep the tree is, is the actors' affair.
  void from(const actor_entry& root) {
    std::vector<const actor_entry*> open{&root};
    while (!open.empty()) {
      const auto* entry = open.back();
      open.pop_back();
      if (!seen.insert(entry->name).second)
        continue;
      sorted.push_back(*entry);
      auto below = children.find(entry->name);
      if (below != children.end())
        open.insert(open.end(), below->second.rbegin(), below->second.rend());
    }
  }
};

} // namespace

std::vector<actor_entry> as_tree(std::vector<actor_entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::set<std::string> names;
  for (const auto& entry : entries)
    names.insert(entry.name);
  children_by_parent children;
  for (const auto& entry : entries)
    children[entry.parent].push_back(&entry);
  walk result{children, {}, {}};
  for (const auto& entry : entries)
    if (!names.contains(entry.parent))
      result.from(entry);
  for (const auto& entry : entries) // those in a ring
    result.from(entry);
  return std::move(result.sorted);
}

} // namespace drover::core
