#pragma once
// What a builder asks of a host: an expression over the host's facts and labels.
//
//   os == 'linux' and ram >= 1GiB and not (class == 'slow')
//
// Grammar: or, and, not, parentheses; comparisons == != < <= > >= between a name and a literal, or
// `name in ('a', 'b')`; a bare name asks whether the host has such a fact or label. Literals:
// quoted strings, numbers, sizes (KiB MiB GiB TiB). Numbers and sizes compare as numbers; quoted
// strings compare as text, and with < <= > >= in natural order, so that '6.9' is less than '6.10'.
// A trait that the host doesn't have fails every comparison but `!=`, which is `not ... == ...`.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover {

struct requirement_error {
  size_t position = 0; ///< byte in the text
  std::string message;
};

/// A parsed requirement; a value that can be copied. Default: any host serves.
class requirement {
public:
  static std::variant<requirement, requirement_error> parse(std::string_view text);

  /// Facts and labels that the text names, each once, in order.
  std::vector<std::string> names() const;

  /// Nothing if `traits` satisfy it; else the conditions that fail, one phrase each, as
  /// "ram is 512MiB, needs >= 1GiB" or "has no label 'class'". The fewer, the nearer the miss.
  std::vector<std::string> unmet(const string_map& traits) const;

private:
  struct node;
  std::shared_ptr<const node> root_;
};

/// The facts that hosts report of themselves; every other trait is a label.
std::vector<std::string_view> known_facts();
bool known_fact(std::string_view name);

/// A host's facts and labels as one map; a label hides a fact of the same name.
string_map traits_of(const host_facts& facts, const string_map& labels);

} // namespace drover
