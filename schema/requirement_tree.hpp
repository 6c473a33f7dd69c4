#pragma once
// A requirement as a tree: what the parser of schema/requirement.cpp makes and evaluates.
// SPDX-License-Identifier: Apache-2.0

#include "schema/requirement.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover::requirements {

enum class kind { all, any, negation, present, compare, one_of };
enum class compare_op { eq, ne, lt, le, gt, ge };
enum class literal_kind { text, number, size };

struct literal {
  literal_kind what = literal_kind::text;
  std::string text; ///< of a string: its content; of others: as written
  double number = 0;
  size_t begin = 0; ///< byte in the requirement's text
};

struct expression {
  kind what = kind::all;
  std::vector<expression> children; ///< of all, any, negation
  std::string name;                 ///< of the others
  compare_op op = compare_op::eq;
  std::vector<literal> literals; ///< compare has one
  size_t begin = 0;              ///< bytes in the requirement's text, from here ...
  size_t end = 0;                ///< ... to before here
};

/// "==", ">=" ... as the operator is written.
std::string_view spelling(compare_op op);
/// "12", "1.5" or "16GiB" as a number (of bytes, with a unit); nothing for other text.
std::optional<double> number_of(std::string_view text);
/// A number of bytes in the largest unit that it fills, "16GiB" or "15.9GiB"; never rounded up.
std::string size_text(double bytes);
/// Parses a whole requirement; blank text is an `all` without children.
std::variant<expression, requirement_error> parse(std::string_view text);

} // namespace drover::requirements
