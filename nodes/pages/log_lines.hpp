#pragma once
// A piece of a log as HTML lines: colours by an allowlist, everything else shown and not obeyed.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/pages/html.hpp"

#include <cstdint>
#include <optional>

namespace drover::pages {

/// Bytes of a log, from `offset`.
struct log_piece {
  std::string_view bytes;
  uint64_t offset = 0;
  std::optional<uint64_t> line; ///< number of the first line, from 1, if known
  bool is_end = false;          ///< no more comes: the last line need not end with a newline
};

struct written_lines {
  uint64_t next = 0;            ///< where the next piece begins
  std::optional<uint64_t> line; ///< number of the line there, if known
};

/// Writes one `<div class="l" id="oOFFSET">` a line, limits::page_log_rows at most; whole lines
/// only unless `is_end` or the line is too long to wait for. Colours begin anew with each piece.
written_lines write_lines(html& out, const log_piece& piece);

/// How many bytes to drop so that the piece begins with a line; all of them if there is no newline.
size_t to_next_line(std::string_view bytes);

/// How many bytes to drop so that no more than `most` lines are left.
size_t to_last_lines(std::string_view bytes, size_t most);

} // namespace drover::pages
