// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/table.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/terminal.hpp"

#include <utf8proc.h>

#include <algorithm>

namespace drover::cli {

namespace {

/// Between two columns.
constexpr size_t gap_columns = 2;
/// No column is cut to less than this, or than its heading.
constexpr size_t column_least = 10;

std::string_view code_of(colour shade) {
  switch (shade) {
  case colour::none:
    return "";
  case colour::green:
    return "\x1b[32m";
  case colour::yellow:
    return "\x1b[33m";
  case colour::red:
    return "\x1b[31m";
  case colour::blue:
    return "\x1b[34m";
  case colour::grey:
    return "\x1b[90m";
  }
  return "";
}

} // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                  static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (bytes <= 0) { // not UTF-8: a terminal shows one replacement
      ++width;
      text.remove_prefix(1);
      continue;
    }
    width += static_cast<size_t>(std::max(0, utf8proc_charwidth(point)));
    text.remove_prefix(static_cast<size_t>(bytes));
  }
  return width;
}

std::string paint(std::string_view text, colour shade, bool colours) {
  if (!colours || shade == colour::none)
    return std::string{text};
  return std::string{code_of(shade)} + std::string{text} + "\x1b[0m";
}

colour colour_of(std::string_view word) {
  for (auto good : {"success", "up"})
    if (word == good)
      return colour::green;
  for (auto doubtful : {"warnings", "suspect", "draining", "paused", "joining"})
    if (word == doubtful)
      return colour::yellow;
  for (auto bad : {"failure", "exception", "host_lost", "timeout", "lost", "quarantined"})
    if (word == bad)
      return colour::red;
  for (auto quiet : {"cancelled", "skipped", "queued", "waiting", "pending", "retired"})
    if (word == quiet)
      return colour::grey;
  if (word == "running" || word == "granted")
    return colour::blue;
  return colour::none;
}

void table::add(std::vector<cell> row) {
  row.resize(headings_.size(), cell{""});
  for (auto& each : row)
    each.text = printable(each.text, limits::reason_bytes_max);
  rows_.push_back(std::move(row));
}

std::vector<size_t> table::widths(size_t width) const {
  std::vector<size_t> out;
  std::vector<size_t> least;
  size_t all = 0;
  for (size_t column = 0; column < headings_.size(); ++column) {
    auto wanted = display_width(headings_[column]);
    least.push_back(std::max(wanted, column_least));
    for (const auto& row : rows_)
      wanted = std::max(wanted, display_width(row[column].text));
    out.push_back(wanted);
    all += wanted + (column == 0 ? 0 : gap_columns);
  }
  while (width != 0 && all > width) {
    size_t widest = out.size();
    for (size_t column = 0; column < out.size(); ++column)
      if (out[column] > least[column] && (widest == out.size() || out[column] >= out[widest]))
        widest = column;
    if (widest == out.size())
      break; // the line is cut instead
    --out[widest];
    --all;
  }
  return out;
}

std::string table::text(bool colours, size_t width) const {
  auto columns = widths(width);
  std::string out;
  auto add_line = [&](const auto& text_of, const auto& shade_of) {
    std::string line;
    size_t gap = 0; // spaces owed before the next text, so that no line ends in spaces
    for (size_t column = 0; column < headings_.size(); ++column) {
      auto text = cut_to_width(text_of(column), columns[column]);
      if (!text.empty()) {
        line += std::string(gap, ' ') + paint(text, shade_of(column), colours);
        gap = 0;
      }
      gap += columns[column] - display_width(text) + gap_columns;
    }
    out += cut_to_width(line, width) + "\n";
  };
  add_line([&](size_t column) { return headings_[column]; }, [](size_t) { return colour::grey; });
  for (const auto& row : rows_)
    add_line([&](size_t column) { return row[column].text; },
             [&](size_t column) { return row[column].shade; });
  return out;
}

} // namespace drover::cli
