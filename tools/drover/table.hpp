#pragma once
// Text for a terminal: tables whose columns line up whatever letters are in them, and colours.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drover::cli {

enum class colour : uint8_t { none, green, yellow, red, blue, grey };

/// Columns that `text` takes on a terminal. It must be printable.
size_t display_width(std::string_view text);

/// `text` in `shade`, if colours are wanted.
std::string paint(std::string_view text, colour shade, bool colours);

/// The colour of a result or a state: green good, yellow doubtful, red bad, blue under way.
colour colour_of(std::string_view result_or_state);

struct cell {
  std::string text;
  colour shade = colour::none;
  cell(std::string content) : text{std::move(content)} {}
  cell(const char* content) : text{content} {}
  cell(std::string content, colour shown) : text{std::move(content)}, shade{shown} {}
};

/// Rows under a heading. Each cell is made printable; the last column is not padded. Where a width
/// is given no line is wider: the widest columns are cut, with "…".
class table {
public:
  explicit table(std::vector<std::string> headings) : headings_{std::move(headings)} {}
  void add(std::vector<cell> row);
  bool empty() const { return rows_.empty(); }
  std::string text(bool colours, size_t width = 0) const;

private:
  /// Of the columns, as wide as their texts, or less where all of them must fit `width`.
  std::vector<size_t> widths(size_t width) const;

  std::vector<std::string> headings_;
  std::vector<std::vector<cell>> rows_;
};

} // namespace drover::cli
