#pragma once
// What tests of dialects share: recorded outputs, and short ways to look at reports.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/dialects/reader.hpp"
#include "tests/catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace drover::test {

inline std::string sample(const std::string& name) {
  std::ifstream file{std::filesystem::path{DROVER_SAMPLES} / name, std::ios::binary};
  REQUIRE(file);
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// What is read if the bytes come in pieces of one size.
inline test_report read_in_pieces(std::string_view bytes, size_t piece) {
  core::dialect_reader reader;
  for (size_t at = 0; at < bytes.size(); at += piece)
    reader.feed(bytes.substr(at, piece));
  return reader.finish();
}

inline test_report read_log(std::string_view bytes) {
  return read_in_pieces(bytes, bytes.size() + 1);
}

/// "passed suite/name" for each test.
inline std::vector<std::string> lines_of(const test_report& report) {
  std::vector<std::string> out;
  for (const auto& test : report.tests)
    out.push_back(std::string{to_string(test.outcome)} + " " + test.suite + "/" + test.name);
  return out;
}

/// In the order of test_outcome.
inline std::vector<uint64_t> counts_of(const test_report& report) {
  return {report.counts.by_outcome.begin(), report.counts.by_outcome.end()};
}

using lines = std::vector<std::string>;
using counts = std::vector<uint64_t>;

} // namespace drover::test
