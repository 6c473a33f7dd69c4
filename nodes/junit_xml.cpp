// SPDX-License-Identifier: Apache-2.0
#include "nodes/junit_xml.hpp"

#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"
#include "nodes/junit_parts.hpp"
#include "nodes/junit_text.hpp"
#include "schema/limits_tests.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace drover {

using core::dialects::keep_budget;
using core::dialects::run_recorder;
using namespace junit;

namespace {

/// "line 3, column 7". Expat 2.9 deprecates the functions for files of less than 4 GiB.
std::string place_of(XML_Parser parser) {
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
  auto line = XML_GetCurrentLineNumber64(parser);
  auto column = XML_GetCurrentColumnNumber64(parser);
#else
  auto line = XML_GetCurrentLineNumber(parser);
  auto column = XML_GetCurrentColumnNumber(parser);
#endif
  return "line " + std::to_string(line) + ", column " + std::to_string(column + 1);
}

} // namespace

struct junit_reader::state {
  explicit state(std::string file);
  ~state() { XML_ParserFree(parser); }
  state(const state&) = delete;

  static void on_start(void* self, const XML_Char* name, const XML_Char** pairs);
  static void on_end(void* self, const XML_Char* name);
  static void on_text(void* self, const XML_Char* text, int size);
  static void on_doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int);
  static void on_other(void* self, const XML_Char*, int);

  void start(std::string_view name, const attributes& given);
  void end(std::string_view name);
  void begin_case(const attributes& given);
  void finish_case();
  void add(test_outcome outcome, std::string message);
  bool parse(std::string_view bytes, bool is_last);
  void fail_here(std::string why);
  void add_summary(const attributes& given, size_t at_depth);

  std::string file;
  XML_Parser parser;
  xml_repair repair;
  keep_budget budget;
  run_recorder runs{"junit", budget};
  std::optional<failure> problem;
  size_t bytes = 0;
  size_t unseen_bytes = 0; ///< given to the parser since it told anything
  size_t depth = 0;
  std::vector<std::string> suites; ///< names of those that are open
  std::vector<bool> is_suite;      ///< for each open element
  std::optional<open_case> test;
  size_t test_depth = 0;
  said saying = said::nothing;
  size_t saying_depth = 0;
  std::string saying_message;
  line_collector saying_text;
  std::optional<uint64_t> root_count; ///< tests by the root's own attribute
  tool_summary summary;
  uint64_t cases = 0;
};

junit_reader::state::state(std::string name)
    : file{std::move(name)}, parser{XML_ParserCreate(nullptr)} {
  if (parser == nullptr)
    throw std::bad_alloc{};
  XML_SetUserData(parser, this);
  XML_SetElementHandler(parser, on_start, on_end);
  XML_SetCharacterDataHandler(parser, on_text);
  XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  XML_SetDefaultHandler(parser, on_other);
  XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_NEVER);
  XML_SetBillionLaughsAttackProtectionMaximumAmplification(parser,
                                                           limits::report_amplification_max);
  runs.touch(1);
}

void junit_reader::state::fail_here(std::string why) {
  if (problem)
    return;
  problem = failure{ec::bad_input, file + ": " + place_of(parser) + ": " + std::move(why)};
  XML_StopParser(parser, XML_FALSE);
}

void junit_reader::state::on_start(void* self, const XML_Char* name, const XML_Char** pairs) {
  auto& me = *static_cast<state*>(self);
  if (me.problem)
    return; // expat may tell some more after it was stopped
  me.unseen_bytes = 0;
  me.start(name, attributes{pairs});
}

void junit_reader::state::on_end(void* self, const XML_Char* name) {
  auto& me = *static_cast<state*>(self);
  if (me.problem)
    return;
  me.unseen_bytes = 0;
  me.end(name);
}

void junit_reader::state::on_text(void* self, const XML_Char* text, int size) {
  auto& me = *static_cast<state*>(self);
  me.unseen_bytes = 0;
  if (!me.problem && me.saying != said::nothing)
    me.saying_text.add({text, static_cast<size_t>(size)});
}

void junit_reader::state::on_doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*,
                                     int) {
  static_cast<state*>(self)->fail_here("a DTD is refused: remove the DOCTYPE");
}

void junit_reader::state::on_other(void* self, const XML_Char*, int) {
  static_cast<state*>(self)->unseen_bytes = 0;
}

void junit_reader::state::start(std::string_view name, const attributes& given) {
  if (++depth > limits::report_depth_max) {
    fail_here("elements are nested deeper than " + std::to_string(limits::report_depth_max));
    return;
  }
  if (given.size() > limits::report_attributes_max) {
    fail_here("an element has more than " + std::to_string(limits::report_attributes_max)
              + " attributes");
    return;
  }
  if (depth == 1 && name != "testsuites" && name != "testsuite") {
    fail_here("the root is <" + core::dialects::clean_text(name, 64)
              + ">, not <testsuites> or <testsuite>: this is no JUnit report");
    return;
  }
  bool suite = name == "testsuite" && !test;
  is_suite.push_back(suite);
  if (suite)
    suites.emplace_back(given["name"].substr(0, limits::test_name_bytes_max));
  add_summary(given, suite || name == "testsuites" ? depth : 0);
  if (name == "testcase" && !test) {
    begin_case(given);
  } else if (test && saying == said::nothing && depth == test_depth + 1) {
    saying = meaning_of(name, given);
    saying_depth = depth;
    saying_message = given["message"].substr(0, 2 * limits::test_message_bytes_max);
    if (saying_message.empty())
      saying_message = given["type"].substr(0, limits::test_name_bytes_max);
  }
}

/// The root's own counts; where the root has none, those of the suites in it.
void junit_reader::state::add_summary(const attributes& given, size_t at_depth) {
  auto tests = given.number("tests");
  if (!tests || at_depth == 0 || at_depth > 2 || (at_depth == 2 && root_count))
    return;
  if (at_depth == 1)
    root_count = tests;
  summary.ran += *tests;
  summary.failures += given.number("failures").value_or(0);
  summary.errors += given.number("errors").value_or(0);
  for (std::string_view word : {"skipped", "disabled", "skips"})
    summary.skipped += given.number(word).value_or(0);
}

void junit_reader::state::begin_case(const attributes& given) {
  test.emplace();
  test_depth = depth;
  ++cases;
  auto text = [&](std::string_view name) {
    return std::string{given[name].substr(0, limits::test_name_bytes_max + 1)};
  };
  auto& base = test->base;
  base.name = text("name");
  base.suite = text("classname");
  base.file = text("file");
  base.line =
    static_cast<uint32_t>(std::min<uint64_t>(given.number("line").value_or(0), UINT32_MAX));
  base.seconds = core::dialects::seconds_of(given["time"]);
  auto status = given["status"];
  test->is_ctest = !status.empty() && base.suite == base.name && given["result"].empty();
  if (test->is_ctest) // has no classes; the log of ctest names none either
    base.suite.clear();
  else if (base.suite.empty() && !suites.empty())
    base.suite = suites.back();
  auto result = given["result"];
  if (status == "notrun" || status == "disabled" || result == "suppressed" || result == "skipped")
    test->skip = status == "disabled" || result == "suppressed" ? "disabled" : "";
}

void junit_reader::state::end(std::string_view) {
  --depth;
  if (is_suite.back())
    suites.pop_back();
  is_suite.pop_back();
  if (!test)
    return;
  if (saying != said::nothing && depth + 1 == saying_depth) {
    auto message = std::exchange(saying_message, {});
    auto text = saying_text.take();
    // The text often begins with the message.
    if (text.starts_with(message))
      message = std::move(text);
    else if (!text.empty())
      message += '\n' + text;
    auto what = std::exchange(saying, said::nothing);
    if (what == said::failure && !test->failure)
      test->failure = std::move(message);
    else if (what == said::error && !test->error)
      test->error = std::move(message);
    else if (what == said::skip || what == said::expected_failure)
      test->skip = std::move(message);
    test->is_expected = test->is_expected || what == said::expected_failure;
    if (what == said::retried)
      ++test->retries;
    if (what == said::output && test->output.empty())
      test->output = std::move(message);
  }
  if (depth + 1 == test_depth) {
    finish_case();
    test.reset();
  }
}

void junit_reader::state::add(test_outcome outcome, std::string message) {
  auto one = test->base;
  one.outcome = outcome;
  one.message = std::move(message);
  runs.add(std::move(one));
}

void junit_reader::state::finish_case() {
  // ctest gives no reason: what the test printed is the best there is.
  if (test->failure && test->failure->empty())
    test->failure = test->output;
  // A test that fails and whose cleanup fails is both, as pytest counts it.
  if (test->failure)
    add(test_outcome::failed, std::move(*test->failure));
  if (test->error)
    add(test_outcome::error, std::move(*test->error));
  if (test->failure || test->error)
    return;
  if (!test->skip) {
    auto again = test->retries == 0 ? std::string{}
                                    : "passed after " + std::to_string(test->retries)
                                        + (test->retries == 1 ? " failure" : " failures");
    add(test_outcome::passed, std::move(again));
    return;
  }
  // ctest itself calls a missing program a failure everywhere but in this file.
  bool is_missing = test->is_ctest && test->skip->starts_with("Unable to find executable");
  add(is_missing          ? test_outcome::error
      : test->is_expected ? test_outcome::expected_failure
                          : test_outcome::skipped,
      std::move(*test->skip));
}

bool junit_reader::state::parse(std::string_view text, bool is_last) {
  do {
    auto slice = text.substr(0, limits::report_slice_bytes);
    text.remove_prefix(slice.size());
    unseen_bytes += slice.size();
    bool ends_here = is_last && text.empty();
    auto status = XML_Parse(parser, slice.data(), static_cast<int>(slice.size()), ends_here);
    if (problem)
      return false;
    if (status == XML_STATUS_ERROR) {
      fail_here(XML_ErrorString(XML_GetErrorCode(parser)));
      return false;
    }
    if (unseen_bytes > limits::report_tag_bytes_max) {
      fail_here("a tag is longer than " + std::to_string(limits::report_tag_bytes_max) + " bytes");
      return false;
    }
  } while (!text.empty());
  return true;
}

junit_reader::junit_reader(std::string name) : state_{std::make_unique<state>(std::move(name))} {}
junit_reader::junit_reader(junit_reader&&) noexcept = default;
junit_reader::~junit_reader() = default;

bool junit_reader::feed(std::string_view bytes) {
  auto& me = *state_;
  if (me.problem)
    return false;
  me.bytes += bytes.size();
  if (me.bytes > limits::report_file_bytes_max) {
    me.problem = failure{ec::refused, me.file + ": larger than "
                                        + std::to_string(limits::report_file_bytes_max)
                                        + " bytes: split the report"};
    return false;
  }
  while (!bytes.empty()) {
    auto slice = bytes.substr(0, limits::report_slice_bytes);
    bytes.remove_prefix(slice.size());
    if (!me.parse(me.repair.feed(slice), false))
      return false;
  }
  return true;
}

expected<test_report> junit_reader::finish() {
  auto& me = *state_;
  if (!me.problem)
    (void)me.parse(me.repair.finish(), true); // what went wrong is in `problem`
  if (me.problem)
    return *me.problem;
  if (me.repair.replaced() > 0)
    me.runs.note(me.file + ": " + std::to_string(me.repair.replaced())
                 + " characters that XML forbids were replaced");
  if (me.summary.ran > 0 || me.root_count) {
    if (me.summary.ran > me.cases)
      me.runs.note(me.file + ": says " + std::to_string(me.summary.ran) + " tests, has "
                   + std::to_string(me.cases));
    me.runs.set_summary(std::move(me.summary));
  }
  auto runs = me.runs.take();
  return std::move(runs.front().report);
}

expected<test_report> read_junit_xml(std::string name, std::string_view bytes) {
  junit_reader reader{std::move(name)};
  (void)reader.feed(bytes); // `finish` tells what went wrong
  return reader.finish();
}

} // namespace drover
