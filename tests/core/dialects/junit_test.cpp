// SPDX-License-Identifier: Apache-2.0
#include "nodes/junit_xml.hpp"
#include "tests/core/dialects/samples.hpp"

using namespace drover;
using namespace drover::test;

namespace {

std::string error_of(std::string_view xml) {
  auto report = read_junit_xml("r.xml", xml);
  REQUIRE_FALSE(report);
  return report.error().text;
}

test_report report_of(std::string_view xml) {
  auto report = read_junit_xml("r.xml", xml);
  if (!report)
    FAIL(report.error().text);
  return *report;
}

} // namespace

TEST_CASE("junit: Surefire with reruns, odd times and names that come twice") {
  auto report = report_of(sample("surefire.xml"));
  CHECK(report.dialect == "junit");
  CHECK(lines_of(report)
        == lines{"passed org.example.ShopTest/buys", "failed org.example.ShopTest/sells",
                 "passed org.example.ShopTest/flaky", "error org.example.ShopTest/broken",
                 "skipped org.example.ShopTest/later", "passed org.example.ShopTest/buys"});
  CHECK(report.tests[1].seconds == 1200.5);
  CHECK(report.tests[1].message.starts_with("expected:<1> but was:<2>\n"));
  CHECK(report.tests[2].seconds < 0);
  CHECK(report.tests[2].message == "passed after 2 failures");
  CHECK(report.tests[3].message.find("ShopTest.java:30") != std::string::npos);
  CHECK(report.summaries == std::vector{tool_summary{"junit", 6, 1, 1, 1}});
  CHECK(report.notes.empty());
}

TEST_CASE("junit: suites within suites give tests without classes their names") {
  auto report = report_of(sample("nested-suites.xml"));
  CHECK(lines_of(report) == lines{"passed outer/a", "failed inner/b", "passed inner/c"});
  CHECK(report.tests[2].file == "tests/c.py");
  CHECK(report.tests[2].line == 17);
  CHECK(report.notes.empty());
}

TEST_CASE("junit: bytes that are no UTF-8 and control characters are replaced and noted") {
  auto report = report_of("<testsuite><testcase name='a\xff\x01z'/></testsuite>");
  CHECK(report.tests.at(0).name == "a\xef\xbf\xbd\xef\xbf\xbdz");
  CHECK(report.notes == lines{"r.xml: 2 characters that XML forbids were replaced"});
}

TEST_CASE("junit: other encodings are read as they say") {
  auto report = report_of("<?xml version='1.0' encoding='ISO-8859-1'?>"
                          "<testsuite><testcase name='gr\xfc\xdf'/></testsuite>");
  CHECK(report.tests.at(0).name == "gr\xc3\xbc\xc3\x9f");
  CHECK(report.notes.empty());
}

TEST_CASE("junit: errors tell line and column") {
  CHECK(error_of("") == "r.xml: line 1, column 1: no element found");
  CHECK(error_of("<testsuite>\n<testcase name='a'>\n</testsuite>")
        == "r.xml: line 3, column 3: mismatched tag");
  CHECK(error_of("<html/>")
        == "r.xml: line 1, column 1: the root is <html>, not <testsuites> or <testsuite>: this is "
           "no JUnit report");
  CHECK(
    error_of("<testsuite>\n<testcase name='&#0;'/></testsuite>").starts_with("r.xml: line 2, "));
  CHECK(error_of("<testsuite><testcase name='a'/>").find("no element found") != std::string::npos);
}

TEST_CASE("junit: a DTD is refused before it is read") {
  std::string bomb = "<?xml version='1.0'?>\n<!DOCTYPE x [\n<!ENTITY a 'aaaaaaaaaa'>\n";
  for (char c = 'b'; c < 'k'; ++c)
    bomb += std::string{"<!ENTITY "} + c + " '&" + static_cast<char>(c - 1) + ";&"
            + static_cast<char>(c - 1) + ";'>\n";
  CHECK(error_of(bomb + "]>\n<testsuite><testcase name='&j;'/></testsuite>")
        == "r.xml: line 2, column 13: a DTD is refused: remove the DOCTYPE");
  CHECK(error_of("<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'><testsuite/>").find("a DTD")
        != std::string::npos);
}

TEST_CASE("junit: nesting, attributes, tags and the whole are bounded") {
  std::string deep = "<testsuite>";
  for (int i = 0; i < 100; ++i)
    deep += "<a>";
  CHECK(error_of(deep).find("nested deeper than 64") != std::string::npos);

  std::string wide = "<testsuite";
  for (int i = 0; i < 100; ++i)
    wide += " a" + std::to_string(i) + "='1'";
  CHECK(error_of(wide + "/>").find("more than 64 attributes") != std::string::npos);

  std::string huge = "<testsuite name='" + std::string(2 * limits::report_tag_bytes_max, 'x');
  CHECK(error_of(huge).find("a tag is longer than") != std::string::npos);

  junit_reader reader{"r.xml"};
  REQUIRE(reader.feed("<testsuite>"));
  CHECK_FALSE(reader.feed(std::string(limits::report_file_bytes_max, ' ')));
  auto report = reader.finish();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::refused);
}

TEST_CASE("junit: much output of a test is skipped, not kept") {
  std::string xml = "<testsuite><testcase name='a'><failure>";
  for (int i = 0; i < 100'000; ++i)
    xml += "line " + std::to_string(i) + '\n';
  auto report = report_of(xml + "</failure></testcase></testsuite>");
  CHECK(report.tests.at(0).message.size() <= limits::test_message_bytes_max);
  CHECK(report.tests.at(0).message.starts_with("line 0\n"));
  CHECK(report.tests.at(0).message.ends_with("line 99999"));
}

TEST_CASE("junit: the report does not depend on how the bytes are cut") {
  for (auto name : {"surefire.xml", "nested-suites.xml"}) {
    auto bytes = sample(name);
    bytes.insert(bytes.find("<testcase"), "\xc3\xbc\xff\xe2\x82");
    auto whole = report_of(bytes);
    for (size_t piece : {1u, 3u, 100u}) {
      junit_reader reader{"r.xml"};
      for (size_t at = 0; at < bytes.size(); at += piece)
        REQUIRE(reader.feed(std::string_view{bytes}.substr(at, piece)));
      auto report = reader.finish();
      REQUIRE(report);
      CHECK(*report == whole);
    }
  }
}
