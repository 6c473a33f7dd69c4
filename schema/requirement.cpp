// SPDX-License-Identifier: Apache-2.0
#include "schema/requirement.hpp"

#include "schema/names.hpp"
#include "schema/requirement_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace drover {
namespace {

using namespace requirements;
using phrases = std::vector<std::string>;

/// Whether a condition must hold or, below a `not`, must not.
enum class sense { must, must_not };

constexpr size_t shown_bytes_max = 60; // of a value within a phrase

/// What hosts find out about themselves; everything else is a label.
constexpr std::array<std::string_view, 36> facts{
  "addresses",      "arch",         "boot_id",      "cgroup",    "clang",    "cmake",
  "compilers",      "containers",   "cores",        "cpu_model", "disk",     "distro",
  "distro_version", "domain",       "endian",       "gcc",       "hostname", "init",
  "kernel",         "libc",         "libc_version", "load",      "locale",   "machine_id",
  "make",           "os",           "page_size",    "python3",   "ram",      "sandbox",
  "step_limits",    "steps_run_as", "swap",         "tools",     "version",  "virtual"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The run of digits at the front of `text`, without leading zeros; removes it from `text`.
std::string_view take_digits(std::string_view& text) {
  auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  auto digits = text.substr(0, end);
  text.remove_prefix(end);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

/// Natural order: runs of digits compare as numbers, the rest byte by byte.
int natural_order(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      auto a = take_digits(left);
      auto b = take_digits(right);
      if (a.size() != b.size())
        return a.size() < b.size() ? -1 : 1;
      if (auto order = a.compare(b); order != 0)
        return order;
      continue;
    }
    if (left.front() != right.front())
      return static_cast<unsigned char>(left.front()) < static_cast<unsigned char>(right.front())
               ? -1
               : 1;
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return static_cast<int>(!left.empty()) - static_cast<int>(!right.empty());
}

template <class Left, class Right>
bool compares(const Left& left, compare_op op, const Right& right) {
  switch (op) {
  case compare_op::eq:
    return left == right;
  case compare_op::ne:
    return left != right;
  case compare_op::lt:
    return left < right;
  case compare_op::le:
    return left <= right;
  case compare_op::gt:
    return left > right;
  case compare_op::ge:
    return left >= right;
  }
  return false;
}

bool equality(compare_op op) {
  return op == compare_op::eq || op == compare_op::ne;
}

bool holds(const std::string& value, compare_op op, const literal& wanted) {
  if (wanted.what == literal_kind::text)
    return equality(op) ? compares(value, op, wanted.text)
                        : compares(natural_order(value, wanted.text), op, 0);
  auto number = number_of(value);
  return number ? compares(*number, op, wanted.number) : op == compare_op::ne;
}

bool satisfied(const expression& condition, const string_map& traits);

bool leaf_satisfied(const expression& leaf, const string_map& traits) {
  auto found = traits.find(leaf.name);
  if (found == traits.end())
    return leaf.what == kind::compare && leaf.op == compare_op::ne;
  if (leaf.what == kind::present)
    return true;
  if (leaf.what == kind::compare)
    return holds(found->second, leaf.op, leaf.literals.front());
  return std::any_of(leaf.literals.begin(), leaf.literals.end(), [&found](const literal& one) {
    return holds(found->second, compare_op::eq, one);
  });
}

bool satisfied(const expression& condition, const string_map& traits) {
  auto holds_here = [&traits](const expression& child) { return satisfied(child, traits); };
  const auto& children = condition.children;
  switch (condition.what) {
  case kind::all:
    return std::all_of(children.begin(), children.end(), holds_here);
  case kind::any:
    return std::any_of(children.begin(), children.end(), holds_here);
  case kind::negation:
    return !holds_here(children.front());
  default:
    return leaf_satisfied(condition, traits);
  }
}

std::string literal_text(const literal& value) {
  return value.what == literal_kind::text
           ? fmt::format("'{}'", printable(value.text, shown_bytes_max))
           : value.text;
}

/// The host's value in the manner of the literal that it was compared with.
std::string value_text(const std::string& value, const literal& like) {
  auto number = like.what == literal_kind::text ? std::nullopt : number_of(value);
  if (!number)
    return fmt::format("'{}'", printable(value, shown_bytes_max));
  if (like.what == literal_kind::number)
    return value;
  auto text = size_text(*number);
  // "1GiB, needs <= 1GiB" would puzzle; then the exact number helps.
  bool hides_difference = *number != like.number && number_of(text) == like.number;
  return hides_difference ? fmt::format("{:.0f} bytes", *number) : text;
}

std::string wanted_text(const expression& leaf) {
  std::string text;
  for (size_t i = 0; i < leaf.literals.size(); ++i) {
    if (i > 0)
      text += i + 1 == leaf.literals.size() ? " or " : ", ";
    text += literal_text(leaf.literals[i]);
  }
  if (leaf.what == kind::one_of || (leaf.op == compare_op::eq && text.front() == '\''))
    return text;
  return fmt::format("{} {}", spelling(leaf.op), text);
}

/// Says why a condition without parts isn't as it must be.
std::string leaf_phrase(const expression& leaf, const string_map& traits, sense wanted) {
  auto noun = known_fact(leaf.name) ? "fact" : "label";
  auto found = traits.find(leaf.name);
  if (found == traits.end())
    return wanted == sense::must ? fmt::format("has no {} '{}'", noun, leaf.name)
                                 : fmt::format("has no {} '{}', must have", noun, leaf.name);
  if (leaf.what == kind::present)
    return fmt::format("has {} '{}', must not", noun, leaf.name);
  auto is = fmt::format("{} is {}", leaf.name, value_text(found->second, leaf.literals.front()));
  bool excludes = leaf.what == kind::compare && leaf.op == compare_op::ne;
  if (excludes)
    return wanted == sense::must
             ? fmt::format("{}, must not be", is)
             : fmt::format("{}, needs {}", is, literal_text(leaf.literals.front()));
  if (wanted == sense::must)
    return fmt::format("{}, needs {}", is, wanted_text(leaf));
  if (leaf.what == kind::one_of || leaf.op == compare_op::eq)
    return fmt::format("{}, must not be", is);
  return fmt::format("{}, must not be {}", is, wanted_text(leaf));
}

/// The phrases for a condition that isn't as it must be; none for one that is. Below a `not`,
/// `and` and `or` change places (De Morgan), so that the phrases name single conditions.
phrases why_not(const expression& condition, const string_map& traits, sense wanted) {
  if (satisfied(condition, traits) == (wanted == sense::must))
    return {};
  if (condition.what == kind::negation)
    return why_not(condition.children.front(), traits,
                   wanted == sense::must ? sense::must_not : sense::must);
  if (condition.what != kind::all && condition.what != kind::any)
    return {leaf_phrase(condition, traits, wanted)};
  phrases result;
  bool every_part_counts = (condition.what == kind::all) == (wanted == sense::must);
  for (const auto& child : condition.children) {
    auto part = why_not(child, traits, wanted);
    if (every_part_counts)
      result.insert(result.end(), part.begin(), part.end());
    else if (result.empty() || part.size() < result.size())
      result = std::move(part);
  }
  return result;
}

void collect_names(const expression& condition, std::vector<std::string>& names) {
  bool known = std::find(names.begin(), names.end(), condition.name) != names.end();
  if (!condition.name.empty() && !known)
    names.push_back(condition.name);
  for (const auto& child : condition.children)
    collect_names(child, names);
}

} // namespace

struct requirement::node {
  expression root;
};

std::variant<requirement, requirement_error> requirement::parse(std::string_view text) {
  auto parsed = requirements::parse(text);
  if (auto* error = std::get_if<requirement_error>(&parsed))
    return std::move(*error);
  requirement result;
  result.root_ = std::make_shared<const node>(node{std::get<expression>(std::move(parsed))});
  return result;
}

std::vector<std::string> requirement::names() const {
  std::vector<std::string> names;
  if (root_)
    collect_names(root_->root, names);
  return names;
}

std::vector<std::string> requirement::unmet(const string_map& traits) const {
  return root_ ? why_not(root_->root, traits, sense::must) : phrases{};
}

std::vector<std::string_view> known_facts() {
  return {facts.begin(), facts.end()};
}

bool known_fact(std::string_view name) {
  return std::binary_search(facts.begin(), facts.end(), name);
}

string_map traits_of(const host_facts& facts_of_host, const string_map& labels) {
  auto traits = labels;
  traits.insert(facts_of_host.begin(), facts_of_host.end());
  return traits;
}

} // namespace drover
