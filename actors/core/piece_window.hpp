#pragma once
// Which pieces of a download to ask for, and in which order what comes is to be written.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover::core {

/// A download of `size` bytes of which `have` are here. Asks for limits::blob_pieces_in_flight
/// pieces at once, again for each that does not come within limits::resend_after, and hands out
/// what came in order: pieces may come late, twice or out of order.
class piece_window {
public:
  piece_window(uint64_t size, uint64_t have) : size_{size}, written_{have} {}

  /// Offsets to ask for now; they count as asked.
  std::vector<uint64_t> wants(int64_t now_ms);
  /// A piece has come. False if it was not asked for, or reaches beyond the end: nothing changes.
  bool arrived(uint64_t offset, std::string bytes);
  /// The next bytes to be written, if they are here.
  std::optional<std::string> take();
  /// What was asked for will not come: the link is gone.
  void forget_asked() { asked_.clear(); }

  uint64_t written() const { return written_; }
  uint64_t size() const { return size_; }
  bool complete() const { return written_ >= size_; }

private:
  uint64_t size_;
  uint64_t written_;                  ///< handed out by `take`, or here from the start
  std::map<uint64_t, int64_t> asked_; ///< offset: when
  std::map<uint64_t, std::string> here_;
};

} // namespace drover::core
