// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/pytest_text.hpp"

#include "actors/core/dialects/text.hpp"

#include <algorithm>
#include <array>

namespace drover::core::dialects {

namespace {

struct word {
  std::string_view text;
  test_outcome outcome;
  bool is_rerun = false;
};

constexpr std::array<word, 7> words{{
  {"PASSED", test_outcome::passed},
  {"FAILED", test_outcome::failed},
  {"SKIPPED", test_outcome::skipped},
  {"XFAIL", test_outcome::expected_failure},
  {"XPASS", test_outcome::passed},
  {"ERROR", test_outcome::error},
  {"RERUN", test_outcome::passed, true},
}};

struct count_word {
  std::string_view text;
  test_outcome outcome;
  bool is_counted;
};

constexpr std::array<count_word, 12> count_words{{
  {"passed", test_outcome::passed, true},
  {"failed", test_outcome::failed, true},
  {"error", test_outcome::error, true},
  {"errors", test_outcome::error, true},
  {"skipped", test_outcome::skipped, true},
  {"xfailed", test_outcome::expected_failure, true},
  {"xpassed", test_outcome::passed, true},
  {"deselected", test_outcome::passed, false},
  {"warning", test_outcome::passed, false},
  {"warnings", test_outcome::passed, false},
  {"rerun", test_outcome::passed, false},
  {"subtests passed", test_outcome::passed, false},
}};

/// Removes "  [ 50%]" at the end.
std::string_view without_percent(std::string_view text) {
  auto rest = trimmed(text);
  if (!rest.ends_with("%]"))
    return rest;
  auto open = rest.rfind('[');
  if (open == std::string_view::npos)
    return rest;
  auto digits = trimmed(rest.substr(open + 1, rest.size() - open - 3));
  bool is_number =
    !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? trimmed(rest.substr(0, open)) : rest;
}

pytest_result result_of(const word& known, std::string_view node, std::string_view message) {
  message = trimmed(message);
  if (message.starts_with('(') && message.ends_with(')'))
    message = message.substr(1, message.size() - 2);
  if (take(message, "reason:"))
    message = trimmed(message);
  if (known.text == "XPASS" && message.empty())
    message = "passed, but was expected to fail";
  return {std::string{node}, known.outcome, std::string{message}, known.is_rerun};
}

/// Where a node's path ends: "::" must follow a word without blanks.
size_t path_end(std::string_view text) {
  auto end = text.find("::");
  if (end == 0 || end == std::string_view::npos)
    return std::string_view::npos;
  return text.substr(0, end).find(' ') == std::string_view::npos ? end : std::string_view::npos;
}

std::optional<pytest_result> parse_xdist_line(std::string_view text) {
  if (!take(text, "[gw") || !take_number(text) || !take(text, "] "))
    return std::nullopt;
  if (text.starts_with('[')) {
    auto close = text.find("%] ");
    if (close == std::string_view::npos)
      return std::nullopt;
    text.remove_prefix(close + 3);
  }
  for (const auto& known : words)
    if (auto rest = text; take(rest, known.text) && take(rest, " "))
      return result_of(known, trimmed(rest), "");
  return std::nullopt;
}

} // namespace

std::optional<pytest_result> parse_verbose_line(std::string_view text) {
  if (auto found = parse_xdist_line(text))
    return found;
  if (path_end(text) == std::string_view::npos)
    return std::nullopt;
  auto line = without_percent(text);
  const word* best = nullptr;
  size_t best_at = 0;
  for (const auto& known : words) {
    auto at = line.rfind(std::string{" "} + std::string{known.text});
    if (at == std::string_view::npos || (best && at < best_at))
      continue;
    auto rest = line.substr(at + 1 + known.text.size());
    bool fits = rest.empty() || (rest.starts_with(" (") && rest.ends_with(")"));
    if (fits) {
      best = &known;
      best_at = at;
    }
  }
  if (!best)
    return std::nullopt;
  auto rest = line.substr(best_at + 1 + best->text.size());
  return result_of(*best, trimmed(line.substr(0, best_at)), rest);
}

std::optional<pytest_result> parse_verdict_end(std::string_view text) {
  auto line = without_percent(text);
  for (const auto& known : words) {
    if (line.ends_with(known.text))
      return result_of(known, "", "");
    auto at = line.rfind(std::string{known.text} + " (");
    if (at != std::string_view::npos && line.ends_with(")"))
      return result_of(known, "", line.substr(at + known.text.size()));
  }
  return std::nullopt;
}

std::string node_at_start(std::string_view text) {
  auto end = path_end(text);
  if (end == std::string_view::npos)
    return {};
  auto space = text.find(' ', end);
  return std::string{text.substr(0, space)};
}

std::optional<pytest_result> parse_short_line(std::string_view text) {
  for (const auto& known : words) {
    auto rest = text;
    if (!take(rest, known.text) || !take(rest, " "))
      continue;
    if (rest.starts_with("["))
      return result_of(known, "", rest);
    auto from = rest.find(']'); // a parameter may contain " - "
    auto dash = rest.find(" - ");
    if (from != std::string_view::npos && dash < from && rest.find('[') < dash)
      dash = rest.find(" - ", from);
    auto message = dash == std::string_view::npos ? "" : rest.substr(dash + 3);
    return result_of(known, trimmed(rest.substr(0, dash)), message);
  }
  return std::nullopt;
}

std::optional<pytest_counts> parse_last_line(std::string_view text) {
  if (text.starts_with("=")) {
    auto first = text.find_first_not_of('=');
    if (first == std::string_view::npos || !text.ends_with("="))
      return std::nullopt;
    text = text.substr(first, text.find_last_not_of('=') - first + 1);
  }
  text = trimmed(text);
  auto in = text.rfind(" in ");
  if (in == std::string_view::npos || text.empty())
    return std::nullopt;
  auto time = text.substr(in + 4);
  auto digits = time.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos
      || !(time.substr(digits).starts_with("s") || time.substr(digits).starts_with(" seconds")))
    return std::nullopt;
  text = text.substr(0, in);
  pytest_counts out;
  if (text == "no tests ran")
    return out;
  while (!text.empty()) {
    auto count = take_number(text);
    if (!count || !take(text, " "))
      return std::nullopt;
    auto comma = std::min(text.find(", "), text.size());
    auto name = text.substr(0, comma);
    auto known = std::find_if(count_words.begin(), count_words.end(),
                              [&](const count_word& w) { return w.text == name; });
    if (known == count_words.end())
      return std::nullopt;
    if (known->is_counted)
      out.counts[known->outcome] += *count;
    text.remove_prefix(std::min(comma + 2, text.size()));
  }
  return out;
}

test_case test_of_node(std::string_view node) {
  test_case out;
  auto bracket = std::min(node.find('['), node.size());
  auto last = node.substr(0, bracket).rfind("::");
  auto path = node.substr(0, std::min(node.find("::"), bracket));
  if (path.find('.') != std::string_view::npos)
    out.file = path;
  if (last == std::string_view::npos) {
    out.name = node;
    return out;
  }
  out.name = node.substr(last + 2);
  auto suite = node.substr(0, last);
  auto classes = suite.substr(path.size());
  std::string module{path.ends_with(".py") ? path.substr(0, path.size() - 3) : path};
  std::replace(module.begin(), module.end(), '/', '.');
  out.suite = module;
  while (take(classes, "::")) {
    auto next = std::min(classes.find("::"), classes.size());
    out.suite += '.';
    out.suite += classes.substr(0, next);
    classes.remove_prefix(next);
  }
  return out;
}

} // namespace drover::core::dialects
