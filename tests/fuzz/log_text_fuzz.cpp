// A step's output on its way to a terminal.
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.hpp"
#include "tools/drover/log_text.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace drover;

std::string shown(std::string_view bytes, size_t piece, cli::sgr colours) {
  cli::log_text filter{colours};
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece)
    out += filter.take(bytes.substr(at, piece));
  return out + filter.finish();
}

bool is_harmless(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  });
}

/// Removes what `keep` may let through: ESC [ digits, colons and semicolons m.
std::string without_colours(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      auto end = text.find_first_not_of("0123456789;:", i + 2);
      if (end != std::string::npos && text[end] == 'm') {
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  size_t piece = data[0] % 16 + 1u;
  auto bytes = fuzz::text_of(data + 1, size - 1);
  auto whole = shown(bytes, bytes.size() + 1, cli::sgr::drop);
  fuzz::require(is_harmless(whole), "nothing moves the cursor");
  fuzz::require(shown(bytes, piece, cli::sgr::drop) == whole, "pieces of any size show the same");
  auto coloured = shown(bytes, bytes.size() + 1, cli::sgr::keep);
  fuzz::require(is_harmless(without_colours(coloured)), "nothing but colours comes through");
  fuzz::require(shown(bytes, piece, cli::sgr::keep) == coloured,
                "pieces of any size show the same, in colour");
  return 0;
}
