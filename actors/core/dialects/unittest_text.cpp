// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/unittest_text.hpp"

#include "actors/core/dialects/text.hpp"
#include "schema/limits_tests.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace drover::core::dialects {

namespace {

constexpr std::string_view dots = " ... ";

struct verdict_word {
  std::string_view word;
  test_outcome outcome;
  std::string_view message;
};

constexpr std::array<verdict_word, 5> verdict_words{{
  {"ok", test_outcome::passed, ""},
  {"FAIL", test_outcome::failed, ""},
  {"ERROR", test_outcome::error, ""},
  {"expected failure", test_outcome::expected_failure, ""},
  {"unexpected success", test_outcome::failed, "passed, but was expected to fail"},
}};

bool is_dotted(std::string_view text) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '<' || c == '>' || c == '-'
           || (static_cast<unsigned char>(c) & 0x80);
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && text[0] != '.'
         && std::all_of(text.begin(), text.end(), fits);
}

/// Reason of "skipped 'reason'", at the beginning of `text`.
std::optional<verdict> skipped(std::string_view text) {
  if (!take(text, "skipped"))
    return std::nullopt;
  if (text.empty())
    return verdict{test_outcome::skipped, ""};
  take(text, " ");
  take(text, "u"); // Python 2's unicode
  bool is_quoted =
    text.size() >= 2 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0];
  if (!is_quoted)
    return std::nullopt;
  return verdict{test_outcome::skipped, std::string{text.substr(1, text.size() - 2)}};
}

} // namespace

std::optional<described_test> parse_description(std::string_view text) {
  auto untouched = text;
  text = trimmed(text);
  auto open = text.find(" (");
  if (open == std::string_view::npos || open == 0)
    return std::nullopt;
  auto close = text.find(')', open);
  if (close == std::string_view::npos)
    return std::nullopt;
  auto name = text.substr(0, open);
  auto suite = text.substr(open + 2, close - open - 2);
  auto rest = text.substr(close + 1);
  if (!is_dotted(name) || !is_dotted(suite))
    return std::nullopt;
  bool is_subtest = rest.starts_with(" [") || rest.starts_with(" (");
  if (!is_subtest && !trimmed(rest).empty())
    return std::nullopt;
  described_test out;
  out.is_certain = suite.find('.') != std::string_view::npos;
  // Since 3.11 the name is repeated behind the class.
  if (suite.size() > name.size() + 1 && suite.ends_with(name)
      && suite[suite.size() - name.size() - 1] == '.')
    suite.remove_suffix(name.size() + 1);
  out.name = name;
  out.suite = suite;
  out.is_subtest = is_subtest || untouched.starts_with("  ");
  if (is_subtest)
    out.name += rest;
  return out;
}

std::optional<verdict> verdict_of(std::string_view text) {
  for (const auto& known : verdict_words)
    if (text == known.word)
      return verdict{known.outcome, std::string{known.message}};
  return skipped(text);
}

std::optional<verdict> verdict_at_end(std::string_view text) {
  text = trimmed(text);
  // "unexpected success" before its end "success", "expected failure" before nothing.
  for (const auto& known : verdict_words)
    if (text.ends_with(known.word))
      return verdict{known.outcome, std::string{known.message}};
  auto at = text.rfind("skipped ");
  return at == std::string_view::npos ? std::nullopt : skipped(text.substr(at));
}

std::optional<test_start> find_start(std::string_view text, bool in_run) {
  auto at = text.find(dots);
  bool at_end = at == std::string_view::npos && text.ends_with(" ...");
  if (at_end)
    at = text.size() - 4;
  if (at == std::string_view::npos)
    return std::nullopt;
  auto rest = at_end ? std::string_view{} : text.substr(at + dots.size());
  auto described = text.substr(0, at);
  if (auto test = parse_description(described)) {
    if (!test->is_certain && !in_run)
      return std::nullopt;
    return test_start{std::move(*test), rest};
  }
  if (!in_run && !take(described, "Doctest: "))
    return std::nullopt;
  if (take(described, "Doctest: ")) {
    described_test test;
    test.name = described;
    return test_start{std::move(test), rest};
  }
  // Behind the output of somebody who did not end the line.
  size_t places = 0;
  for (auto open = described.find(" (");
       open != std::string_view::npos && places < limits::test_line_places_max;
       open = described.find(" (", open + 1), ++places) {
    auto space = described.rfind(' ', open - 1);
    auto from = open == 0 ? open : space == std::string_view::npos ? 0 : space + 1;
    auto test = parse_description(described.substr(from));
    if (!test || !test->is_certain)
      continue;
    return test_start{std::move(*test), rest};
  }
  return std::nullopt;
}

bool is_dots(std::string_view text) {
  return !text.empty() && text.find_first_not_of(".FEsxu") == std::string_view::npos;
}

std::optional<uint64_t> dots_passed(std::string_view dots, const test_counts& wanted,
                                    uint64_t unexpected_successes) {
  auto count = [&](char c) {
    return static_cast<uint64_t>(std::count(dots.begin(), dots.end(), c));
  };
  // Up to Python 3.10 failed subtests have no letters.
  bool fits = count('F') + count('u') <= wanted[test_outcome::failed]
              && count('u') == unexpected_successes && count('E') <= wanted[test_outcome::error]
              && count('s') == wanted[test_outcome::skipped]
              && count('x') == wanted[test_outcome::expected_failure];
  return fits ? std::optional{count('.')} : std::nullopt;
}

std::optional<uint64_t> runs_test_count(std::string_view text) {
  if (!take(text, "Ran "))
    return std::nullopt;
  auto count = take_number(text);
  if (!count || !(take(text, " tests in ") || take(text, " test in ")))
    return std::nullopt;
  return text.ends_with("s") ? count : std::nullopt;
}

bool is_closing_line(std::string_view text) {
  for (std::string_view word : {"OK", "FAILED", "NO TESTS RAN", "PASSED"})
    if (text == word || (text.starts_with(word) && text.substr(word.size()).starts_with(" (")))
      return true;
  return false;
}

unittest_counts closing_counts(std::string_view text) {
  unittest_counts out;
  const std::array<std::pair<std::string_view, uint64_t*>, 8> known{{
    {"unexpected successes=", &out.unexpected_successes},
    {"unexpectedSuccesses=", &out.unexpected_successes},
    {"expected failures=", &out.expected_failures},
    {"expectedFailures=", &out.expected_failures},
    {"failures=", &out.failures},
    {"errors=", &out.errors},
    {"skipped=", &out.skipped},
    {"skips=", &out.skipped},
  }};
  auto open = text.find('(');
  while (open != std::string_view::npos) {
    text.remove_prefix(open + 1);
    text = trimmed(text);
    for (const auto& [word, count] : known)
      if (take(text, word)) {
        *count = take_number(text).value_or(0);
        break;
      }
    open = text.find(',');
  }
  return out;
}

} // namespace drover::core::dialects
