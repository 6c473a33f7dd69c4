// Prints what is read from a log on stdin, or from a report file that is named: for comparison with
// the tools' own words (tools_test.py).
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/reader.hpp"
#include "nodes/junit_xml.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

using namespace drover;

std::string in_one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\t')
      c = ' ';
  return text;
}

void print(const test_report& report) {
  std::printf("dialect\t%s\n", report.dialect.c_str());
  for (size_t i = 0; i < test_outcome_names.size(); ++i)
    std::printf("count\t%s\t%llu\n", std::string{test_outcome_names[i]}.c_str(),
                static_cast<unsigned long long>(report.counts.by_outcome[i]));
  for (const auto& said : report.summaries)
    std::printf(
      "summary\t%s\t%llu\t%llu\t%llu\t%llu\n", said.dialect.c_str(),
      static_cast<unsigned long long>(said.ran), static_cast<unsigned long long>(said.failures),
      static_cast<unsigned long long>(said.errors), static_cast<unsigned long long>(said.skipped));
  for (const auto& note : report.notes)
    std::printf("note\t%s\n", in_one_line(note).c_str());
  for (const auto& test : report.tests)
    std::printf("test\t%s\t%s\t%s\t%s\n", std::string{to_string(test.outcome)}.c_str(),
                in_one_line(test.suite).c_str(), in_one_line(test.name).c_str(),
                in_one_line(test.message).c_str());
}

} // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    std::ifstream file{arguments[1], std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    auto report = read_junit_xml(arguments[1], bytes);
    if (!report) {
      std::fprintf(stderr, "%s\n", report.error().text.c_str());
      return 1;
    }
    print(*report);
    return 0;
  }
  core::dialect_reader reader;
  std::string piece(4096, '\0');
  while (std::cin.read(piece.data(), static_cast<std::streamsize>(piece.size())),
         std::cin.gcount() > 0)
    reader.feed({piece.data(), static_cast<size_t>(std::cin.gcount())});
  print(reader.finish());
  return 0;
}
