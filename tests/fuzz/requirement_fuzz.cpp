// What a builder asks of a host.
// SPDX-License-Identifier: Apache-2.0
#include "schema/requirement.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drover;
  auto text = fuzz::text_of(data, size);
  auto parsed = requirement::parse(text);
  if (const auto* problem = std::get_if<requirement_error>(&parsed)) {
    fuzz::require(problem->position <= text.size(), "an error lies within the text");
    fuzz::require(!problem->message.empty(), "an error has words");
    return 0;
  }
  const auto& asked = std::get<requirement>(parsed);
  string_map nothing;
  string_map something{{"os", "linux"},   {"arch", "amd64"},    {"ram", "16GiB"}, {"cores", "8"},
                       {"class", "slow"}, {"kernel", "6.10.3"}, {"empty", ""}};
  for (const auto& name : asked.names())
    something.emplace(name, "1");
  (void)asked.unmet(nothing);
  (void)asked.unmet(something);
  return 0;
}
