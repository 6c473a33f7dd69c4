// SPDX-License-Identifier: Apache-2.0
#include "config/requirement_check.hpp"

#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/limits_config.hpp"
#include "schema/names.hpp"
#include "schema/requirement_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace drover {
namespace {

using requirements::expression;
using requirements::kind;
using requirements::literal;
using requirements::literal_kind;

constexpr size_t shown_bytes_max = 80; // of a condition in a message

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

template <size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What a fact is on every host; the farm's own facts only.
literal_kind kind_of_fact(std::string_view name) {
  constexpr std::array<std::string_view, 3> sizes{"disk", "ram", "swap"};
  constexpr std::array<std::string_view, 3> numbers{"cores", "load", "page_size"};
  if (among(sizes, name))
    return literal_kind::size;
  return among(numbers, name) ? literal_kind::number : literal_kind::text;
}

/// Says why a fact can't be compared with the literal; empty: it can.
std::string comparison_problem(const expression& leaf, const literal& value) {
  auto is = kind_of_fact(leaf.name);
  if (is == value.what || (is == literal_kind::size && value.text == "0"))
    return {};
  auto written = shown(value.text);
  if (is == literal_kind::text)
    return fmt::format("'{}' is a text, not a number; put quotes around {}: '{}'", leaf.name,
                       written, written);
  bool quoted_number = value.what == literal_kind::text && requirements::number_of(value.text);
  if (is == literal_kind::number)
    return fmt::format("'{}' is a number; write e.g. {} {} {}", leaf.name, leaf.name,
                       requirements::spelling(leaf.op), quoted_number ? written : "4");
  return fmt::format("'{}' is a size; write it with a unit (KiB, MiB, GiB, TiB), e.g. {} {} {}",
                     leaf.name, leaf.name, requirements::spelling(leaf.op),
                     quoted_number && written.back() == 'B' ? written : "4GiB");
}

void check_types(const expression& condition, const label_view& view,
                 std::vector<requirement_error>& out) {
  for (const auto& child : condition.children)
    check_types(child, view, out);
  // A label of the same name hides the fact, and labels may be anything.
  if (!known_fact(condition.name) || view.names.count(condition.name) > 0)
    return;
  for (const auto& value : condition.literals)
    if (auto problem = comparison_problem(condition, value); !problem.empty())
      out.push_back({value.begin, std::move(problem)});
}

void check_names(const expression& condition, const label_view& view,
                 std::vector<std::string_view>& told, std::vector<requirement_error>& out) {
  for (const auto& child : condition.children)
    check_names(child, view, told, out);
  bool again = std::find(told.begin(), told.end(), condition.name) != told.end();
  if (condition.name.empty() || again)
    return;
  told.push_back(condition.name);
  if (auto doubt = unknown_trait(condition.name, view); !doubt.empty())
    out.push_back({condition.begin, std::move(doubt)});
}

// -- labels alone --------------------------------------------------------------------------------

enum class verdict : uint8_t { no, unknown, yes };

/// One requirement against the labels of one host.
class label_check {
public:
  label_check(std::string_view text, const string_map& labels) : text_{text}, labels_{labels} {}

  verdict judge(const expression& condition) const {
    switch (condition.what) {
    case kind::all:
      return worst(condition);
    case kind::any:
      return best(condition);
    case kind::negation:
      return opposite(judge(condition.children.front()));
    default:
      return judge_leaf(condition);
    }
  }

  /// The part of a condition judged `no` that decides it.
  std::string_view blame(const expression& condition) const {
    if (condition.what == kind::all)
      for (const auto& child : condition.children)
        if (judge(child) == verdict::no)
          return blame(child);
    return slice(condition);
  }

private:
  std::string_view slice(const expression& condition) const {
    return text_.substr(condition.begin, condition.end - condition.begin);
  }

  verdict worst(const expression& condition) const {
    auto result = verdict::yes;
    for (const auto& child : condition.children)
      result = std::min(result, judge(child));
    return result;
  }

  verdict best(const expression& condition) const {
    auto result = verdict::no;
    for (const auto& child : condition.children)
      result = std::max(result, judge(child));
    return result;
  }

  static verdict opposite(verdict given) {
    if (given == verdict::unknown)
      return given;
    return given == verdict::yes ? verdict::no : verdict::yes;
  }

  /// A label's comparison is decided as the scheduler decides it: by the requirement itself.
  verdict judge_leaf(const expression& leaf) const {
    if (labels_.count(leaf.name) == 0 && known_fact(leaf.name))
      return verdict::unknown;
    auto alone = requirement::parse(slice(leaf));
    const auto* parsed = std::get_if<requirement>(&alone);
    if (parsed == nullptr)
      return verdict::unknown;
    return parsed->unmet(labels_).empty() ? verdict::yes : verdict::no;
  }

  std::string_view text_;
  const string_map& labels_;
};

std::string listed(const std::vector<std::string_view>& names) {
  auto count = std::min(names.size(), limits::config_hosts_shown_max);
  auto text = fmt::format(
    "{}", fmt::join(names.begin(), names.begin() + static_cast<ptrdiff_t>(count), ", "));
  return names.size() > count ? fmt::format("{} and {} more", text, names.size() - count) : text;
}

/// Why no host can serve, or nothing if one could.
std::optional<std::string> hopeless(std::string_view text, const expression& root,
                                    const label_view& view) {
  // Condition -> hosts on which it is false.
  std::vector<std::pair<std::string_view, std::vector<std::string_view>>> reasons;
  for (const auto& group : view.groups) {
    label_check check{text, *group.labels};
    if (check.judge(root) != verdict::no)
      return std::nullopt;
    auto part = check.blame(root);
    auto known = std::find_if(reasons.begin(), reasons.end(),
                              [&](const auto& reason) { return reason.first == part; });
    if (known == reasons.end())
      known = reasons.insert(reasons.end(), {part, {}});
    known->second.insert(known->second.end(), group.hosts.begin(), group.hosts.end());
  }
  if (reasons.empty())
    return std::nullopt; // no hosts are configured: they come with `drover up --hosts`
  std::string why;
  for (const auto& [part, names] : reasons)
    why += fmt::format("{}{} is false for {}{}", why.empty() ? "" : "; ", shown(part),
                       reasons.size() == 1 && names.size() > 1 ? "all of " : "", listed(names));
  return "no host of the config can serve: " + why;
}

} // namespace

label_view::label_view(const std::vector<host_spec>& hosts) {
  std::map<string_map, size_t> known;
  for (const auto& host : hosts) {
    auto [found, is_new] = known.try_emplace(host.labels, groups.size());
    if (is_new)
      groups.push_back({&host.labels, {}});
    groups[found->second].hosts.push_back(host.name);
    for (const auto& [label, value] : host.labels)
      names.insert(label);
  }
}

std::string unknown_trait(std::string_view trait, const label_view& view) {
  if (known_fact(trait) || view.names.count(trait) > 0)
    return {};
  auto candidates = known_facts();
  candidates.insert(candidates.end(), view.names.begin(), view.names.end());
  // Comparing with thousands of labels for each wrong word would take too long.
  auto near = candidates.size() <= limits::entries_max ? nearest(trait, candidates) : std::nullopt;
  return fmt::format("'{}' is neither a fact nor a label of a configured host{}", shown(trait),
                     near ? fmt::format(" (did you mean '{}'?)", *near) : "");
}

requirement_findings check_requirement(std::string_view text, const label_view& view,
                                       look_for wanted) {
  requirement_findings found;
  auto parsed = requirements::parse(text);
  if (auto* wrong = std::get_if<requirement_error>(&parsed)) {
    found.errors.push_back(std::move(*wrong));
    return found;
  }
  const auto& root = std::get<expression>(parsed);
  check_types(root, view, found.errors);
  if (wanted == look_for::errors)
    return found;
  std::vector<std::string_view> told;
  check_names(root, view, told, found.warnings);
  if (found.warnings.empty())
    if (auto why = hopeless(text, root, view))
      found.warnings.push_back({0, std::move(*why)});
  return found;
}

} // namespace drover
