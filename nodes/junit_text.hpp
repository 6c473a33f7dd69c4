#pragma once
// Makes bytes that claim to be UTF-8 fit for an XML parser.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>

namespace drover {

/// Replaces each byte that is no UTF-8 and each character that XML forbids by U+FFFD, however the
/// bytes are cut. Leaves files alone that begin with the mark of UTF-16 or name another encoding.
class xml_repair {
public:
  /// What can be given to the parser by now.
  std::string feed(std::string_view bytes);
  /// What was held back as it might have gone on.
  std::string finish();
  /// How many characters were replaced.
  uint64_t replaced() const { return replaced_; }

private:
  /// Whether enough is there to tell the encoding; decides it if so.
  bool is_decided(bool at_end);
  std::string repair(bool at_end);

  std::string held_;
  bool decided_ = false;
  bool is_foreign_ = false;
  uint64_t replaced_ = 0;
};

} // namespace drover
