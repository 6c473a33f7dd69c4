// What stands after the method of an HTTP request.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/request.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drover;
  auto text = fuzz::text_of(data, size);
  auto parsed = http::parse_target("GET", text);
  if (parsed)
    for (const auto& segment : (*parsed).path)
      fuzz::require(segment.find('\0') == std::string::npos, "no NUL comes through");
  else
    fuzz::require(parsed.error().text.find('\n') == std::string::npos, "an error is one line");
  if (text.find('\0') == std::string_view::npos)
    fuzz::require(http::percent_decode(http::percent_encode(text)) == text,
                  "what is escaped is unescaped to the same");
  auto decoded = http::percent_decode(text);
  fuzz::require(!decoded || decoded->size() <= text.size(), "decoding never makes more");
  return 0;
}
