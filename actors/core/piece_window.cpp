// SPDX-License-Identifier: Apache-2.0
#include "actors/core/piece_window.hpp"

namespace drover::core {

std::vector<uint64_t> piece_window::wants(int64_t now_ms) {
  std::vector<uint64_t> result;
  // A piece that came shorter than asked leaves a gap that only its successor's end shows, so the
  // grid is counted from what is written.
  auto offset = written_;
  for (size_t count = 0; count < limits::blob_pieces_in_flight && offset < size_; ++count) {
    auto piece = here_.find(offset);
    if (piece != here_.end()) {
      offset += piece->second.size();
      continue;
    }
    auto asked = asked_.find(offset);
    if (asked == asked_.end() || now_ms - asked->second >= limits::resend_after.count()) {
      asked_[offset] = now_ms;
      result.push_back(offset);
    }
    offset += limits::blob_piece_bytes;
  }
  return result;
}

bool piece_window::arrived(uint64_t offset, std::string bytes) {
  if (bytes.empty() || offset < written_ || offset > size_ || bytes.size() > size_ - offset)
    return false;
  if (asked_.erase(offset) == 0)
    return false;
  here_.insert_or_assign(offset, std::move(bytes));
  return true;
}

std::optional<std::string> piece_window::take() {
  auto next = here_.find(written_);
  if (next == here_.end())
    return std::nullopt;
  auto bytes = std::move(next->second);
  here_.erase(next);
  written_ += bytes.size();
  std::erase_if(here_, [this](const auto& piece) { return piece.first < written_; });
  std::erase_if(asked_, [this](const auto& piece) { return piece.first < written_; });
  return bytes;
}

} // namespace drover::core
