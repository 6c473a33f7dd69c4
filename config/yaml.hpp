#pragma once
// YAML as a tree of texts with their places; what a text means is for the reader's schema to say.
// SPDX-License-Identifier: Apache-2.0

#include "config/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::yaml {

/// Where something begins: both count from 1, columns in characters.
struct mark {
  size_t line = 1;
  size_t column = 1;
  size_t file = 0; ///< as config_error::file_number
};

enum class kind { scalar, sequence, mapping };

struct entry;

struct node {
  kind what = kind::scalar;
  mark at;
  std::string text; ///< of a scalar, without quotes and escapes
  bool quoted = false;
  /// Column of the scalar's first character if the file has the text as it is, in one line.
  std::optional<size_t> text_column;
  std::vector<node> items;    ///< of a sequence
  std::vector<entry> entries; ///< of a mapping, in the order of the file
  size_t nodes = 1;           ///< this one and all below
  size_t text_bytes = 0;      ///< in this one and all below
  size_t height = 1;          ///< levels, this one included

  /// A key without value, "~" or "null".
  bool empty() const {
    return what == kind::scalar && !quoted && (text.empty() || text == "~" || text == "null");
  }
};

struct entry {
  node key; ///< always a scalar
  node value;
};

struct document {
  /// Missing if the text can't be read at all; then `errors` has one entry.
  std::optional<node> root;
  std::vector<config_error> errors;
};

/// Reads one document. Stricter than YAML: duplicate keys, tags, several documents and keys that
/// aren't plain text are errors. Depth, size and what aliases expand to are bounded by limits.hpp.
/// `file` is the file's number, which all places and errors get.
document parse(std::string_view text, size_t file = 0);

} // namespace drover::yaml
