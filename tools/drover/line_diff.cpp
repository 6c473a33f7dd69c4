// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/line_diff.hpp"

#include "schema/limits_cli.hpp"

#include <algorithm>
#include <cstdint>

namespace drover::cli {

namespace {

/// Equal lines shown around each change.
constexpr size_t context_lines = 3;
/// Pairs of lines that are compared with each other; beyond this all of the middle counts as new.
constexpr size_t pairs_max = 16'000'000;

using lines = std::vector<std::string_view>;

lines split(std::string_view text) {
  lines out;
  while (!text.empty() && out.size() < limits::diff_lines_max) {
    auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// Adds what became of the lines in between: the longest common subsequence stays.
void compare(const lines& before, const lines& after, std::vector<std::string>& out) {
  auto width = after.size() + 1;
  bool small = before.size() * after.size() <= pairs_max;
  std::vector<uint32_t> common(small ? (before.size() + 1) * width : 0, 0);
  if (small)
    for (size_t i = before.size(); i-- > 0;)
      for (size_t j = after.size(); j-- > 0;)
        common[i * width + j] =
          before[i] == after[j] ? common[(i + 1) * width + j + 1] + 1
                                : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  size_t i = 0, j = 0;
  while (i < before.size() || j < after.size()) {
    bool both = i < before.size() && j < after.size();
    if (small && both && before[i] == after[j]) {
      out.push_back(" " + std::string{before[i++]});
      ++j;
    } else if (i < before.size()
               && (!both || !small || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back("-" + std::string{before[i++]});
    } else {
      out.push_back("+" + std::string{after[j++]});
    }
  }
}

/// Leaves only what is near a change.
std::vector<std::string> shortened(const std::vector<std::string>& all) {
  std::vector<bool> kept(all.size(), false);
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i][0] != ' ')
      for (auto near = i - std::min(i, context_lines);
           near < std::min(all.size(), i + context_lines + 1); ++near)
        kept[near] = true;
  std::vector<std::string> out;
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept[i])
      out.push_back(all[i]);
    else if (i == 0 || kept[i - 1])
      out.emplace_back("...");
  }
  return out;
}

} // namespace

std::vector<std::string> line_diff(std::string_view before, std::string_view after) {
  auto old_lines = split(before), new_lines = split(after);
  if (old_lines == new_lines)
    return {};
  size_t head = 0, tail = 0;
  auto least = std::min(old_lines.size(), new_lines.size());
  while (head < least && old_lines[head] == new_lines[head])
    ++head;
  while (tail < least - head
         && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail])
    ++tail;
  std::vector<std::string> all;
  for (size_t i = 0; i < head; ++i)
    all.push_back(" " + std::string{old_lines[i]});
  auto middle = [&](const lines& of) {
    return lines{of.begin() + static_cast<std::ptrdiff_t>(head),
                 of.end() - static_cast<std::ptrdiff_t>(tail)};
  };
  compare(middle(old_lines), middle(new_lines), all);
  for (size_t i = old_lines.size() - tail; i < old_lines.size(); ++i)
    all.push_back(" " + std::string{old_lines[i]});
  return shortened(all);
}

} // namespace drover::cli
