#pragma once
// Keeps the collector of garbage away from content that somebody is about to refer to.
//
// Content is shared by its digest: a writer that finds a piece stored relies on it. So whoever
// writes claims a piece before it looks, and the collector removes nothing that is claimed, or was
// claimed since it began to look. One store a process, so one guard.
// SPDX-License-Identifier: Apache-2.0

#include <mutex>
#include <string>
#include <vector>

namespace drover::storage {

/// What one writer relies on, from `add` to the end of the claim.
class content_claim {
public:
  content_claim() = default;
  ~content_claim();
  content_claim(const content_claim&) = delete;
  content_claim& operator=(const content_claim&) = delete;

  /// The piece with this digest.
  void add(const std::string& digest);
  /// Nothing is removed while the answer lives, and of this blob nothing by the present sweep.
  [[nodiscard]] std::unique_lock<std::mutex> keep(const std::string& digest);

private:
  std::vector<std::string> digests_;
};

/// A collection of garbage: from its first look at the store to its last removal. One at a time.
class content_sweep {
public:
  content_sweep();
  ~content_sweep();
  content_sweep(const content_sweep&) = delete;
  content_sweep& operator=(const content_sweep&) = delete;

  /// To be held from the last question whether something is claimed to its removal.
  [[nodiscard]] std::unique_lock<std::mutex> hold();
  /// Only while `hold` is held.
  bool claimed(const std::string& digest) const;
};

} // namespace drover::storage
