// Files that agent and keeper share, damaged or written by something else.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/spool_folder.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <string>

namespace {

using namespace drover;

/// What was read can be written, and is read again as the same.
template <class T>
void check(std::string_view bytes, expected<T> (*decode)(std::string_view)) {
  auto value = decode(bytes);
  if (!value) {
    fuzz::require(value.error().text.find('\n') == std::string::npos, "an error is one line");
    return;
  }
  auto written = encode(*value);
  auto again = decode(written);
  fuzz::require(again.ok() && encode(*again) == written, "a record is read as it was written");
}

/// The checksum would keep a fuzzer out: it is made to fit.
std::string with_checksum(std::string_view body) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : body)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char text[32];
  std::snprintf(text, sizeof text, "sum %016llx\n", static_cast<unsigned long long>(hash));
  return std::string{body} + text;
}

void decode_all(std::string_view bytes) {
  check(bytes, decode_assignment);
  check(bytes, decode_order);
  check(bytes, decode_exit);
  check(bytes, decode_identity);
  check(bytes, decode_start);
  check(bytes, decode_entry);
  for (const auto* kind : {"assignment", "order", "exit", "process", "start", "confirmed"})
    if (auto record = last_record(kind, bytes))
      fuzz::require(bytes.find(*record) != std::string_view::npos,
                    "a record is a part of its file");
  (void)decode_cancel(bytes);
  (void)decode_confirmed(bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = fuzz::text_of(data, size);
  decode_all(text);
  // Seeds are whole files; their own trailer is cut off.
  auto trailer = text.rfind("sum ");
  decode_all(with_checksum(text.substr(0, trailer)));
  return 0;
}
