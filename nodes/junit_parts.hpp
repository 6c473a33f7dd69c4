#pragma once
// What junit_xml.cpp is made of: attributes, and a test case until its end.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/dialects/text.hpp"
#include "schema/limits_tests.hpp"
#include "schema/test_case.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// Else expat hides the limit on amplification.
#define XML_DTD 1
#include <expat.h>

namespace drover::junit {

/// Attributes of an element by name; empty if it is not there.
class attributes {
public:
  explicit attributes(const XML_Char** pairs) : pairs_{pairs} {}

  size_t size() const {
    size_t count = 0;
    while (pairs_[2 * count] != nullptr)
      ++count;
    return count;
  }
  std::string_view operator[](std::string_view name) const {
    for (size_t i = 0; pairs_[i] != nullptr; i += 2)
      if (name == pairs_[i])
        return pairs_[i + 1];
    return {};
  }
  std::optional<uint64_t> number(std::string_view name) const {
    auto text = (*this)[name];
    auto value = core::dialects::take_number(text);
    return text.empty() ? value : std::nullopt;
  }

private:
  const XML_Char** pairs_;
};

/// What one element below a test case says.
enum class said : uint8_t { nothing, failure, error, skip, expected_failure, retried, output };

inline said meaning_of(std::string_view element, const attributes& given) {
  if (element == "failure")
    return said::failure;
  if (element == "error")
    return said::error;
  if (element == "skipped")
    return given["type"] == "pytest.xfail" ? said::expected_failure : said::skip;
  // Surefire: it failed, ran again and passed; or failed again, which another element says.
  if (element == "flakyFailure" || element == "flakyError" || element == "rerunFailure"
      || element == "rerunError")
    return said::retried;
  if (element == "system-out")
    return said::output;
  return said::nothing;
}

/// A test case until its end.
struct open_case {
  test_case base;
  std::string status;
  std::optional<std::string> failure;
  std::optional<std::string> error;
  std::optional<std::string> skip;
  std::string output; ///< the beginning and the end of what it printed
  bool is_expected = false;
  uint32_t retries = 0;
  bool is_ctest = false;
};

/// Collects the lines of an element's text.
class line_collector {
public:
  void add(std::string_view text) {
    for (char c : text) {
      if (c == '\n')
        end_line();
      else if (line_.size() < limits::test_line_head_bytes)
        line_ += c;
    }
  }
  std::string take() {
    end_line();
    auto out = lines_.text();
    lines_.clear();
    return out;
  }

private:
  void end_line() {
    if (!lines_.empty() || !core::dialects::trimmed(line_).empty())
      lines_.add(line_);
    line_.clear();
  }

  std::string line_;
  core::dialects::excerpt lines_;
};

} // namespace drover::junit
