// A report file of JUnit XML from any bytes.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/junit_xml.hpp"
#include "schema/limits_tests.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace drover;

expected<test_report> read(std::string_view bytes, size_t piece) {
  junit_reader reader{"r.xml"};
  for (size_t at = 0; at < bytes.size(); at += piece)
    if (!reader.feed(bytes.substr(at, piece)))
      break;
  return reader.finish();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  auto bytes = fuzz::text_of(data + 1, size - 1);
  auto whole = read(bytes, bytes.size() + 1);
  auto cut = read(bytes, data[0] % 16 + 1u);
  fuzz::require(whole.ok() == cut.ok(), "pieces of any size are read or refused");
  if (!whole) {
    fuzz::require(whole.error().text.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  fuzz::require(*whole == *cut, "pieces of any size say the same");
  for (const auto& test : whole->tests) {
    fuzz::require(test.name.size() <= limits::test_name_bytes_max, "names are bounded");
    fuzz::require(test.message.size() <= limits::test_message_bytes_max, "messages are bounded");
  }
  return 0;
}
