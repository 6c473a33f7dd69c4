#pragma once
// What fuzzed functions share. Each tests/fuzz/NAME_fuzz.cpp defines LLVMFuzzerTestOneInput, which
// must cope with any bytes: libFuzzer calls it (tools/fuzz), or replay.cpp with the corpus.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace drover::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process, which both drivers take for a find.
inline void require(bool holds, const char* what) {
  if (holds)
    return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

} // namespace drover::fuzz
