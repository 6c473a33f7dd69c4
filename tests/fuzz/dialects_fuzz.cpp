// Tests' results in a step's output.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/reader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace drover;

test_report read(std::string_view bytes, size_t piece) {
  core::dialect_reader reader;
  for (size_t at = 0; at < bytes.size(); at += piece)
    reader.feed(bytes.substr(at, piece));
  return reader.finish();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  auto bytes = fuzz::text_of(data + 1, size - 1);
  auto report = read(bytes, bytes.size() + 1);
  fuzz::require(report == read(bytes, data[0] % 16 + 1u), "pieces of any size say the same");
  test_counts seen;
  for (const auto& test : report.tests) {
    ++seen[test.outcome];
    fuzz::require(test.name.size() <= limits::test_name_bytes_max, "names are bounded");
    fuzz::require(test.message.size() <= limits::test_message_bytes_max, "messages are bounded");
  }
  for (size_t i = 0; i < seen.by_outcome.size(); ++i)
    fuzz::require(seen.by_outcome[i] <= report.counts.by_outcome[i], "what is kept is counted");
  fuzz::require(report.counts.total() == 0 || !report.dialect.empty(), "results have a dialect");
  fuzz::require(report.notes.size() <= limits::test_notes_max, "notes are bounded");
  return 0;
}
