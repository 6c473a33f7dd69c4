#pragma once
// Reads JUnit XML, as many tools write it, from somebody's file: nothing in it is trusted.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/test_case.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace drover {

/// A streaming reader of one report: pytest, Surefire, Ant, gtest, ctest --output-junit and their
/// like. A DTD is refused, so that there are no entities; nesting, attributes, tags and the whole
/// are bounded by schema/limits_tests.hpp, and texts that are not kept cost no memory. Bytes that
/// are no UTF-8 and control characters are replaced and noted where the file claims to be UTF-8.
///
/// Errors name the file, line and column: "report.xml: line 3, column 14: ...". After an error
/// nothing more is read. For one caller at a time.
class junit_reader {
public:
  /// `name` is what errors call the file.
  explicit junit_reader(std::string name);
  junit_reader(junit_reader&&) noexcept;
  ~junit_reader();

  /// False after an error; `finish` tells it.
  bool feed(std::string_view bytes);
  /// The report, once all bytes were fed.
  expected<test_report> finish();

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// The same for a file that is in memory.
expected<test_report> read_junit_xml(std::string name, std::string_view bytes);

} // namespace drover
