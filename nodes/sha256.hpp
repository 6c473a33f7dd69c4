#pragma once
// SHA-256 of files and bytes, in hex.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace drover {

class sha256 {
public:
  sha256();
  ~sha256();
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;
  void add(std::string_view bytes);
  /// 64 hex digits; the object is used up.
  std::string hex();

private:
  struct state;
  std::unique_ptr<state> state_;
};

struct file_digest {
  std::string sha256;
  uint64_t size = 0;
};
/// Reads the open file to its end from its present position.
expected<file_digest> digest_of_file(int fd);
bool is_sha256_hex(std::string_view text);

} // namespace drover
