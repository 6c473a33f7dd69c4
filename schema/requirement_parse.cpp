// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "schema/requirement_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace drover::requirements {
namespace {

constexpr size_t shown_bytes_max = 60; // of a piece of the text within a message

constexpr std::string_view blanks = " \t\r\n";

struct unit {
  std::string_view name;
  double bytes;
};
constexpr std::array<unit, 4> units{{{"TiB", 1024.0 * 1024 * 1024 * 1024},
                                     {"GiB", 1024.0 * 1024 * 1024},
                                     {"MiB", 1024.0 * 1024},
                                     {"KiB", 1024.0}}};

constexpr std::array<std::pair<std::string_view, compare_op>, 6> operators{{
  {"==", compare_op::eq},
  {"!=", compare_op::ne},
  {"<=", compare_op::le},
  {">=", compare_op::ge},
  {"<", compare_op::lt},
  {">", compare_op::gt},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool in_name(char c) {
  return begins_name(c) || is_digit(c) || c == '.' || c == '-';
}

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

/// Recursive descent, one function for each level of the grammar. The first error stays and
/// every level returns at once, since `failed()` is asked after each part.
class parser {
public:
  explicit parser(std::string_view text) : text_{text} {}

  expression parse_all() {
    auto result = parse_any();
    if (!failed() && at_ < text_.size())
      fail(at_, trailing());
    return result;
  }

  bool failed() const { return error_.has_value(); }
  const requirement_error& error() const { return *error_; }

private:
  expression parse_any() { return parse_list(kind::any, "or", &parser::parse_both); }
  expression parse_both() { return parse_list(kind::all, "and", &parser::parse_not); }

  expression parse_list(kind what, std::string_view keyword, expression (parser::*part)()) {
    skip_blanks();
    auto begin = at_;
    auto first = (this->*part)();
    if (failed() || !take_word(keyword))
      return first;
    expression list;
    list.what = what;
    list.children.push_back(std::move(first));
    do
      list.children.push_back((this->*part)());
    while (!failed() && take_word(keyword));
    return spanned(std::move(list), begin);
  }

  expression parse_not() {
    skip_blanks();
    auto begin = at_;
    if (!take_word("not"))
      return parse_primary();
    if (!enter())
      return {};
    expression negation;
    negation.what = kind::negation;
    negation.children.push_back(parse_not());
    --depth_;
    return spanned(std::move(negation), begin);
  }

  /// Notes that the expression goes from `begin` to where the parser stands now.
  expression spanned(expression whole, size_t begin) const {
    whole.begin = begin;
    auto last = text_.substr(0, at_).find_last_not_of(blanks);
    whole.end = last == std::string_view::npos ? begin : std::max(begin, last + 1);
    return whole;
  }

  expression parse_primary() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '(')
      return parse_parentheses();
    auto begin = at_;
    auto name = word();
    if (name.empty() || keyword(name)) {
      fail(begin, expected_condition(begin));
      return {};
    }
    at_ += name.size();
    if (take_word("in"))
      return spanned(parse_in(name), begin);
    expression result;
    result.name = name;
    result.what = kind::present;
    if (auto op = take_operator()) {
      result.what = kind::compare;
      result.op = *op;
      result.literals.push_back(parse_literal());
    }
    return spanned(std::move(result), begin);
  }

  expression parse_parentheses() {
    auto open = at_++;
    if (!enter())
      return {};
    auto inner = parse_any();
    --depth_;
    if (!failed() && !take(')'))
      fail(at_ < text_.size() ? at_ : open,
           at_ < text_.size() ? trailing() : "'(' is never closed");
    return inner;
  }

  expression parse_in(std::string_view name) {
    expression result;
    result.what = kind::one_of;
    result.name = name;
    if (!take('(')) {
      fail(at_, fmt::format("expected a list, as in {} in ('a', 'b')", shown(name)));
      return result;
    }
    do
      result.literals.push_back(parse_literal());
    while (!failed() && take(','));
    if (!failed() && !take(')'))
      fail(at_, "expected ',' or ')' in the list");
    return result;
  }

  literal parse_literal() {
    skip_blanks();
    if (at_ >= text_.size()) {
      fail(at_, "the text ends where a value was expected");
      return {};
    }
    if (text_[at_] == '\'' || text_[at_] == '"')
      return parse_string();
    if (is_digit(text_[at_]))
      return parse_number();
    auto name = word();
    fail(at_, name.empty() || keyword(name)
                ? fmt::format("expected a value, as 'text', 4 or 1GiB, not '{}'", next_shown())
                : fmt::format("put quotes around text: '{}'", shown(name)));
    return {};
  }

  literal parse_string() {
    auto end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) {
      fail(at_, "this quote is never closed");
      return {};
    }
    literal result{literal_kind::text, std::string{text_.substr(at_ + 1, end - at_ - 1)}, 0, at_};
    at_ = end + 1;
    return result;
  }

  literal parse_number() {
    auto end = at_;
    while (end < text_.size() && in_name(text_[end]))
      ++end;
    auto written = text_.substr(at_, end - at_);
    auto number = number_of(written);
    if (!number) {
      fail(at_, fmt::format("'{}' is no number and no size; write e.g. 4, 512MiB or 1.5GiB",
                            shown(written)));
      return {};
    }
    auto what = begins_name(written.back()) ? literal_kind::size : literal_kind::number;
    return {what, std::string{written}, *number, std::exchange(at_, end)};
  }

  std::optional<compare_op> take_operator() {
    skip_blanks();
    auto rest = text_.substr(at_);
    for (const auto& [text, op] : operators) {
      if (rest.substr(0, text.size()) != text)
        continue;
      at_ += text.size();
      return op;
    }
    if (!rest.empty() && rest.front() == '=')
      fail(at_, "write == to compare");
    return std::nullopt;
  }

  std::string expected_condition(size_t begin) {
    if (begin >= text_.size())
      return "the text ends where a condition was expected";
    if (text_[begin] == '!')
      return "write 'not' instead of '!'";
    if (is_digit(text_[begin]) || text_[begin] == '\'' || text_[begin] == '"')
      return "a comparison begins with the name of a fact or label, as in ram >= 1GiB";
    return fmt::format("expected a condition, as in os == 'linux', not '{}'", next_shown());
  }

  std::string trailing() {
    auto rest = text_.substr(at_);
    if (rest.substr(0, 1) == "&")
      return fmt::format("write 'and' instead of '{}'", rest.substr(0, 2) == "&&" ? "&&" : "&");
    if (rest.substr(0, 1) == "|")
      return fmt::format("write 'or' instead of '{}'", rest.substr(0, 2) == "||" ? "||" : "|");
    if (rest.substr(0, 1) == ")")
      return "')' without '('";
    return fmt::format("expected 'and', 'or' or the end, not '{}'", next_shown());
  }

  std::string next_shown() {
    auto name = word();
    return shown(name.empty() ? text_.substr(at_, 1) : name);
  }

  static bool keyword(std::string_view name) {
    return name == "and" || name == "or" || name == "not" || name == "in";
  }

  bool enter() {
    if (++depth_ <= limits::requirement_depth_max)
      return true;
    fail(at_, fmt::format("nested deeper than {} levels", limits::requirement_depth_max));
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size() && blanks.find(text_[at_]) != blanks.npos)
      ++at_;
  }

  std::string_view word() const {
    auto end = at_;
    if (end < text_.size() && begins_name(text_[end]))
      while (end < text_.size() && in_name(text_[end]))
        ++end;
    return text_.substr(at_, end - at_);
  }

  bool take_word(std::string_view expected) {
    skip_blanks();
    if (failed() || word() != expected)
      return false;
    at_ += expected.size();
    return true;
  }

  bool take(char expected) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != expected)
      return false;
    ++at_;
    return true;
  }

  void fail(size_t position, std::string message) {
    if (!error_)
      error_ = requirement_error{position, std::move(message)};
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::optional<requirement_error> error_;
};

} // namespace

std::string_view spelling(compare_op op) {
  for (const auto& [text, known] : operators)
    if (known == op)
      return text;
  return "?";
}

std::optional<double> number_of(std::string_view text) {
  auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  auto [end, error] =
    std::from_chars(text.data(), text.data() + digits, value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + digits)
    return std::nullopt;
  auto rest = text.substr(digits);
  if (rest.empty())
    return value;
  for (const auto& [name, bytes] : units)
    if (rest == name)
      return value * bytes;
  return std::nullopt;
}

std::string size_text(double bytes) {
  for (const auto& [name, unit_bytes] : units) {
    if (bytes < unit_bytes)
      continue;
    auto tenths = std::floor(bytes / unit_bytes * 10) / 10;
    return fmt::format("{}{}", tenths, name);
  }
  return fmt::format("{} bytes", bytes);
}

std::variant<expression, requirement_error> parse(std::string_view text) {
  if (text.size() > limits::value_bytes_max)
    return requirement_error{
      0, fmt::format("has {} bytes, at most {} are allowed", text.size(), limits::value_bytes_max)};
  if (text.find_first_not_of(blanks) == std::string_view::npos)
    return expression{};
  parser all{text};
  auto result = all.parse_all();
  if (all.failed())
    return all.error();
  return result;
}

} // namespace drover::requirements
